using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What one reader has done since it was opened. Counted batch by batch, on a line that the reader writes anyway.</summary>
/// <remarks>
/// <para>Invariants. T1: only the owner of the slot adds, with plain stores; every word only grows. T2: others read single words,
/// which no machine that .NET runs on divides, and may see one counter of a batch without the other.</para>
/// <para>Threads: written by the reader's, read by any.</para>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ReaderTally
{
    /// <summary>One word for each <see cref="FaultReason"/>.</summary>
    internal const int Reasons = 8;

    /// <summary>Look-ups of batches and of rings, whatever came of them.</summary>
    internal ulong Lookups;

    /// <summary>Those of <see cref="Lookups"/> that the translation cache did not answer.</summary>
    internal ulong Walks;

    /// <summary>Single look-ups that neither the translation cache nor the last region answered; the others are not counted.</summary>
    internal ulong SingleWalks;

    /// <summary>Requests of rings that were answered; they are among <see cref="Lookups"/>.</summary>
    internal ulong Requests;

    /// <summary>Reads, writes and atomic operations.</summary>
    internal ulong Accesses;

    /// <summary>What they were asked to move.</summary>
    internal ulong AccessBytes;

    private fixed ulong _faults[Reasons];

    /// <summary>The accesses that failed for a reason.</summary>
    internal readonly ulong FaultsOf(FaultReason reason) =>
        // SAFETY: every index into the words is masked, or below their number.
        _faults[(int)reason & (Reasons - 1)];

    /// <summary>Counts accesses that failed.</summary>
    internal void Count(FaultReason reason, ulong count = 1) => _faults[(int)reason & (Reasons - 1)] += count;

    /// <summary>The accesses that failed.</summary>
    internal readonly ulong Faults()
    {
        ulong sum = 0;
        for (int i = 0; i < Reasons; i++)
        {
            sum += _faults[i];
        }

        return sum;
    }

    /// <summary>Adds what another one has counted, which may be counting on.</summary>
    internal void Add(in ReaderTally other)
    {
        Lookups += Volatile.Read(in other.Lookups);
        Walks += Volatile.Read(in other.Walks);
        SingleWalks += Volatile.Read(in other.SingleWalks);
        Requests += Volatile.Read(in other.Requests);
        Accesses += Volatile.Read(in other.Accesses);
        AccessBytes += Volatile.Read(in other.AccessBytes);
        for (int i = 0; i < Reasons; i++)
        {
            _faults[i] += Volatile.Read(in other._faults[i]);
        }
    }
}
