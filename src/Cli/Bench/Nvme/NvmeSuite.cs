using System.Globalization;

namespace FastIova.Cli;

/// <summary>An NVMe model with a driver in the same process: what a device of many small transfers makes of the engine.</summary>
internal sealed class NvmeSuite : ISuite
{
    private const string ReadId = "nvme/randread-4K";
    private const string LookupId = "nvme/lookups-4K";

    public string Name => "nvme";

    public void Run(BenchRun run)
    {
        foreach (int depth in (ReadOnlySpan<int>)[1, NvmeReads.DepthMost])
        {
            Measured(run, depth);
        }
    }

    private static void Measured(BenchRun run, int depth)
    {
        string readId = $"{ReadId}/qd{depth}";
        string lookupId = $"{LookupId}/qd{depth}";
        bool wantsReads = run.Wants(readId);
        bool wantsLookups = run.Wants(lookupId);
        if (!wantsReads && !wantsLookups)
        {
            return;
        }

        run.Step($"nvme: random reads of 4 KiB, {depth} outstanding");
        using var reads = new NvmeReads(run.Quick ? 1 << 13 : 1 << 16);
        ulong before = reads.Translations;
        int runs = 0;
        Timing[] timings = Measure.Interleaved(
            run.Reps,
            () =>
            {
                runs++;
                return reads.Reads(depth);
            },
            reads.Copies,
            () => reads.Lookups(depth));
        double lookups = (reads.Translations - before) / ((double)runs * reads.Operations);
        double share = 100 * timings[2].BestNs / timings[0].BestNs;
        string each = lookups.ToString("0.00", CultureInfo.InvariantCulture);
        if (wantsReads)
        {
            double thousands = 1e6 / timings[0].BestNs;
            run.Add(Figure.From(
                readId,
                timings[0],
                timings[1],
                note: $"per read, {thousands:0} K reads/s, {each} translations each, {share.ToString("0.0", CultureInfo.InvariantCulture)} % of the time in them; every block checked; driver and device on a thread each, doorbells by calls, completions polled; bound: the same blocks copied to the same pages by one thread"));
        }

        if (wantsLookups)
        {
            run.Add(Figure.From(lookupId, timings[2], note: $"the {each} translations of one read, with their scopes, and nothing else"));
        }
    }
}
