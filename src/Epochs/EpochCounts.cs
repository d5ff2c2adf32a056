namespace FastIova;

/// <summary>What the readers and the writers of one epoch, or of several, have done: a reading of counters that others go on counting.</summary>
/// <remarks>Threads: one; the values are copies.</remarks>
internal sealed class EpochCounts
{
    /// <summary>Refusals are told apart by the names of so many readers; those of others are counted together.</summary>
    internal const int NamesLast = 1024;

    /// <summary>The name under which the others are counted.</summary>
    internal const string OtherNames = "other";

    private readonly Dictionary<string, ulong> _refusedByName = new(StringComparer.Ordinal);

    /// <summary>Readers that are open.</summary>
    internal int Readers { get; set; }

    /// <summary>Domains that live.</summary>
    internal int Domains { get; set; }

    /// <summary>What readers have done, also those that are closed.</summary>
    internal ReaderTally Tally;

    /// <summary>Ranges that were mapped.</summary>
    internal ulong Maps { get; set; }

    /// <summary>Ranges that were unmapped.</summary>
    internal ulong Unmaps { get; set; }

    /// <summary>Bytes that are mapped.</summary>
    internal ulong MappedBytes { get; set; }

    /// <summary>Bytes of page tables.</summary>
    internal ulong TableBytes { get; set; }

    /// <summary>The grace periods.</summary>
    internal GraceCounts Grace { get; } = new();

    /// <summary>Accesses that failed, by the name of the reader.</summary>
    internal IReadOnlyDictionary<string, ulong> RefusedByName => _refusedByName;

    /// <summary>Adds what one reader has counted.</summary>
    internal void Add(string name, in ReaderTally tally)
    {
        Tally.Add(tally);
        Refuse(name, tally.Faults());
    }

    /// <summary>Adds another reading.</summary>
    internal void Add(EpochCounts other)
    {
        Readers += other.Readers;
        Domains += other.Domains;
        Tally.Add(other.Tally);
        Maps += other.Maps;
        Unmaps += other.Unmaps;
        MappedBytes += other.MappedBytes;
        TableBytes += other.TableBytes;
        Grace.Add(other.Grace);
        foreach ((string name, ulong count) in other._refusedByName)
        {
            Refuse(name, count);
        }
    }

    private void Refuse(string name, ulong count)
    {
        if (count != 0)
        {
            name = _refusedByName.ContainsKey(name) || _refusedByName.Count < NamesLast ? name : OtherNames;
            _refusedByName[name] = _refusedByName.GetValueOrDefault(name) + count;
        }
    }
}
