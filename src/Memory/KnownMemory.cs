namespace FastIova;

/// <summary>Which memory of this process was checked once and stays mapped: the ranges of every live <see cref="HostMemory"/>.</summary>
/// <remarks>
/// Invariant K1: the list is sorted by first address, ranges may overlap, and each entry carries the highest last address
/// so far; it is replaced whole, never changed. Threads: any; look-ups take no lock.
/// </remarks>
internal static class KnownMemory
{
    private static readonly Lock Changes = new();
    private static Entry[] _entries = [];

    /// <summary>Whether a range lies in memory that is known to be readable, and writable if asked for.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="bytes">At least one.</param>
    /// <param name="write">Whether it must be writable.</param>
    /// <returns>False when it is not known, which says nothing about it.</returns>
    internal static bool Contains(ulong address, ulong bytes, bool write)
    {
        // Acquire: pairs with the release in Replace; otherwise the list could be seen before its entries.
        Entry[] entries = Volatile.Read(ref _entries);
        ulong last = address + bytes - 1;
        if (last < address)
        {
            return false;
        }

        int low = 0;
        int high = entries.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (entries[middle].First <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        for (int i = low - 1; i >= 0 && entries[i].HighestLast >= last; i--)
        {
            if (entries[i].Last >= last && (!write || entries[i].IsWritable))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Makes a range known.</summary>
    /// <param name="first">The first byte.</param>
    /// <param name="last">The last byte.</param>
    /// <param name="isWritable">Whether all of it can be written; all of it can be read.</param>
    /// <param name="owner">By which it is forgotten.</param>
    internal static void Add(ulong first, ulong last, bool isWritable, object owner)
    {
        lock (Changes)
        {
            var entries = new List<Entry>(_entries) { new(first, last, 0, isWritable, owner) };
            Replace(entries);
        }
    }

    /// <summary>Forgets what an owner made known.</summary>
    internal static void Remove(object owner)
    {
        lock (Changes)
        {
            var entries = new List<Entry>(_entries);
            if (entries.RemoveAll(e => ReferenceEquals(e.Owner, owner)) != 0)
            {
                Replace(entries);
            }
        }
    }

    private static void Replace(List<Entry> entries)
    {
        entries.Sort((a, b) => a.First.CompareTo(b.First));
        ulong highest = 0;
        for (int i = 0; i < entries.Count; i++)
        {
            highest = Math.Max(highest, entries[i].Last);
            entries[i] = entries[i] with { HighestLast = highest };
        }

        // Release: pairs with the acquire in Contains.
        Volatile.Write(ref _entries, [.. entries]);
    }

    private readonly record struct Entry(ulong First, ulong Last, ulong HighestLast, bool IsWritable, object Owner);
}
