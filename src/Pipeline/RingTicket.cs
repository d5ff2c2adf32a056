namespace FastIova;

/// <summary>The claim of a batch in a ring with many producers: what its answers are read by.</summary>
/// <remarks>
/// Threads: one at a time. A ticket is used up by reading; a copy of it must not be read too, it would take answers of others.
/// </remarks>
public struct RingTicket
{
    internal ulong Next;

    internal RingTicket(ulong first, int count)
    {
        Next = first;
        Outstanding = count;
    }

    /// <summary>Answers that have not been read.</summary>
    public int Outstanding { get; internal set; }
}
