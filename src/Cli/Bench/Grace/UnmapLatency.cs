using System.Diagnostics;

namespace FastIova.Cli;

/// <summary>How long single unmaps take under a busy reader: not their mean, but what a driver may meet.</summary>
internal static class UnmapLatency
{
    private const ulong PageBytes = 4096;
    private const int Rounds = 32;

    /// <summary>Times one unmap after the other. What it takes to read the clock is part of each time, some 20 ns.</summary>
    /// <param name="domain">The domain, in which none of the pages is mapped.</param>
    /// <param name="memory">The memory behind the pages.</param>
    /// <param name="iovas">The pages.</param>
    /// <param name="hosts">The host address of each.</param>
    /// <param name="reader">The reader for which each unmap waits.</param>
    /// <returns>The percentiles.</returns>
    internal static IReadOnlyList<Percentile> Read(Domain domain, HostMemory memory, ulong[] iovas, ulong[] hosts, BusyReader reader)
    {
        double[] times = new double[Rounds * iovas.Length];
        double nanoseconds = 1e9 / Stopwatch.Frequency;
        var team = new PinnedTeam(2);
        team.Run(
            () =>
            {
                int at = 0;
                for (int round = 0; round < Rounds; round++)
                {
                    if (domain.TryMapScattered(iovas, memory, hosts, Permission.ReadWrite) != MapStatus.Success)
                    {
                        throw new BenchFailureException("The pages could not be mapped: there is no latency of their unmaps.");
                    }

                    foreach (ulong iova in iovas)
                    {
                        long start = Stopwatch.GetTimestamp();
                        _ = domain.TryUnmap(iova, PageBytes, out _);
                        times[at++] = (Stopwatch.GetTimestamp() - start) * nanoseconds;
                    }
                }
            },
            () => reader.ReadUntilOver(team));
        return Percentile.Read(times);
    }
}
