using System.Diagnostics;
using Xunit;

namespace FastIova.Tests.Doors;

[Collection("doors")]
public sealed class DoorUserTests
{
    [Theory]
    [InlineData(true, 1000, 1000)]
    [InlineData(false, 1000, 0)]
    public void AtASocketTheKernelSaysWhoAClientIs(bool isService, uint kernels, uint expected)
    {
        string? socket = isService ? Path.Combine(Path.GetTempPath(), $"fastiova-{Guid.NewGuid():n}.sock") : null;
        using var engine = new Engine();
        using var door = new ProgramDoor(new DeviceNodes(engine).Open, new DoorOptions { Socket = socket }, static _ => { });
        var user = new DoorUser(door.Limits);
        using Process self = Process.GetCurrentProcess();
        var client = new Client(1, ProcessHandle.TryOpen(self.Id)!, door.Objects, user, door.Limits.OfClient(user.Quotas), lockLimitPages: null) { UserId = kernels, Refusals = door.Limits.NewPace() };
        Assert.Equal(expected, door.UserOf(client, 0));
        client.End();
    }
}
