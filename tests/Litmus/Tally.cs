namespace FastIova.Litmus;

/// <summary>What is counted, so that one sees that the race was one.</summary>
internal enum Count
{
    Translations,
    Faults,
    LinearTranslations,
    Scopes,
    LongScopes,
    Batches,
    Ranges,
    Reads,
    Writes,
    Atomics,
    Maps4K,
    Maps2M,
    Maps1G,
    Unmaps,
    BatchedUnmaps,
    SpansUnmapped,
    PartialUnmaps,
    Swaps,
    MapsDuringUnmap,
    Protects,
    DirtyClears,
    Trims,
    TablesTrimmed,
    MadeInaccessible,
    Poisoned,
    Discarded,
    Invalidations,
}

/// <summary>The counts of one thread. Written by it alone, read by the conductor.</summary>
internal sealed class Tally
{
    // A line before and after, so that the tallies of two threads never share one.
    private const int Margin = 16;

    internal static readonly Count[] All = Enum.GetValues<Count>();

    /// <summary>What must have happened in a race of everybody. Faults say only how much somebody met by chance.</summary>
    internal static readonly Count[] Certain = [.. All.Except([Count.Faults])];

    private readonly long[] _counts = new long[Margin + All.Length + Margin];

    internal void Add(Count what, long more = 1)
    {
        ref long count = ref _counts[Margin + (int)what];
        Volatile.Write(ref count, count + more);
    }

    internal long Of(Count what) => Volatile.Read(ref _counts[Margin + (int)what]);
}
