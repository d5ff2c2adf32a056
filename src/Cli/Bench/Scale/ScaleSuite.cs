using System.Diagnostics;

namespace FastIova.Cli;

/// <summary>What a second thread with a port of its own adds.</summary>
internal sealed class ScaleSuite : ISuite
{
    private const string TwoThreadsId = "scale/2threads";
    private const int Pages = 64;
    private const int Addresses = 1 << 16;
    private const int Batch = 256;
    private const int Rounds = 64;

    public string Name => "scale";

    public void Run(BenchRun run)
    {
        if (!run.Wants(TwoThreadsId))
        {
            return;
        }

        run.Step("two threads with private ports");
        using var pages = new HotPages(Pages, Addresses);
        using DmaPort first = pages.OpenPort("first");
        using DmaPort second = pages.OpenPort("second");
        using var ownStream = new AddressStream(pages.Stream.Numbers);
        var lookups = new BatchLookups(first, pages.Stream, Batch);
        var others = new BatchLookups(second, ownStream, Batch);
        ulong expected = lookups.Verify(pages.Domain);
        _ = others.Verify(pages.Domain);
        Timing[] timings = Measure.Interleaved(run.Reps * 4, () => Lap(expected, lookups), () => Lap(expected, lookups, others));
        run.Add(Figure.From(
            TwoThreadsId,
            timings[1],
            timings[0],
            1 / 1.95,
            note: "ns per look-up of both threads together, from the first start to the last end; bound: one thread alone; a ratio of 0.5 is twice the look-ups; where the missing tenth goes is not known yet: the threads share no line that either writes"));
    }

    private static double Lap(ulong expected, params BatchLookups[] each)
    {
        long[] starts = new long[each.Length];
        long[] ends = new long[each.Length];
        ulong[] sums = new ulong[each.Length];
        var members = new Action[each.Length];
        for (int i = 0; i < each.Length; i++)
        {
            int member = i;
            members[i] = () =>
            {
                starts[member] = Stopwatch.GetTimestamp();
                for (int round = 0; round < Rounds; round++)
                {
                    sums[member] += each[member].Run();
                }

                ends[member] = Stopwatch.GetTimestamp();
            };
        }

        new PinnedTeam(2).Run(members);
        if (Array.Exists(sums, sum => sum != expected * Rounds))
        {
            throw new BenchFailureException("Two threads with private ports got different answers: no time is reported for wrong ones.");
        }

        return (ends.Max() - starts.Min()) * (1e9 / Stopwatch.Frequency) / ((long)Rounds * Addresses * each.Length);
    }
}
