using System.Text.Json;
using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

/// <summary>The log of a service, whose clients do what they like as often as they like.</summary>
public sealed class EventLogTests
{
    [Fact]
    public void ClientsDoNotFillADiskAndWhatWasLeftOutIsCounted()
    {
        const int Events = 20_000;
        using var text = new StringWriter();
        var log = new EventLog("-", text, isLimited: true);
        for (int i = 0; i < Events; i++)
        {
            log.Write(new DoorEvent(DoorEventKind.Welcomed, i, 0, string.Empty));
        }

        log.Write("info", "draining", ("clients", 0)); // what the service does itself is always there

        JsonElement[] lines = [.. text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal("draining", lines[^1].GetProperty("event").GetString());
        int written = lines.Count(line => line.GetProperty("event").ValueEquals("client-welcomed"));
        long leftOut = lines.Where(line => line.GetProperty("event").ValueEquals("left-out")).Sum(line => line.GetProperty("lines").GetInt64());
        Assert.Equal(Events, written + leftOut);
        Assert.InRange(written, 2000, Events);
        Assert.NotEqual(0, leftOut);
    }
}
