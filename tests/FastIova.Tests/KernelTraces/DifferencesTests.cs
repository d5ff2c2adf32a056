using FastIova.KernelTraces;
using Xunit;

namespace FastIova.Tests.KernelTraces;

/// <summary>The replayer as a judge: what it takes for equal, and what it says of the rest.</summary>
public sealed class DifferencesTests
{
    [Fact]
    public void ADroppedDescriptorIsExpectedToBeReturned()
    {
        var line = TraceLine.Parse("4 T_DMABUF_GET size=72 pm=0 tail=0 id=0 rsv=0x0 length=0x1000 open_flags=0x80002 last=0x0 -> ret=0 errno=OK newfd=0x50004");
        var answer = new TraceAnswer();
        answer.AddFile(0x50004);
        var differences = new Differences();
        Assert.True(differences.Add("a", line, answer));
        Assert.False(differences.Add("a", line, TraceAnswer.Parse(line.Op, "ret=-1 errno=ENOMEM")));
    }

    [Fact]
    public void TheSummaryBeginsWhereTracesBegin()
    {
        var differences = new Differences();
        var map = TraceLine.Parse("7 IOAS_ALLOC size=12 pm=0 tail=0 flags=0x0 -> ret=0 errno=OK out_ioas_id=1");
        var destroy = TraceLine.Parse("8 DESTROY size=8 pm=0 tail=0 id=1 -> ret=0 errno=OK");
        Add("a", map, "ret=-1 errno=ENOMEM");
        Add("a", destroy, "ret=-1 errno=ENOENT");
        Add("a", destroy, "ret=-1 errno=ENOENT");
        Add("b", map, "ret=0 errno=OK out_ioas_id=2");
        var all = new Differences();
        all.Add(differences);
        using var report = new StringWriter();
        all.WriteSummary(report);
        string[] lines = [.. report.ToString().Split('\n').Where(line => !line.StartsWith("    ", StringComparison.Ordinal) && line.Length != 0)];
        Assert.Equal(
            [
                "IOAS_ALLOC errno: 1 times, the first difference of 1 traces",
                "  OK -> ENOMEM: 1 times, 1 first; a at 7",
                "IOAS_ALLOC out_ioas_id: 1 times, the first difference of 1 traces",
                "  1 -> 2: 1 times, 1 first; b at 7",
                "DESTROY errno: 2 times, the first difference of 0 traces",
                "  OK -> ENOENT: 2 times, 0 first; a at 8",
            ],
            lines);
        Assert.Equal((4, 4, 2), (all.Operations, all.Differing, all.DifferingTraces));

        void Add(string trace, TraceLine line, string answer) => differences.Add(trace, line, TraceAnswer.Parse(line.Op, answer));
    }
}
