namespace FastIova;

/// <summary>A queue of completions, which the driver empties.</summary>
/// <remarks>Threads: the controller's, under its lock; <see cref="IsFull"/> is read by whoever takes a doorbell.</remarks>
internal sealed class NvmeCompletionQueue(int id, ulong iova, uint size, bool interrupts, int vector)
{
    internal const int EntryBytes = 16;

    private bool _isFull;

    internal int Id { get; } = id;

    internal ulong Iova { get; } = iova;

    /// <summary>The entries; one of them always stays free.</summary>
    internal uint Size { get; } = size;

    internal bool Interrupts { get; } = interrupts;

    internal int Vector { get; } = vector;

    /// <summary>Where the driver is, as far as the controller has looked.</summary>
    internal uint Head { get; set; }

    internal uint Tail { get; private set; }

    /// <summary>The bit that tells new entries from those of the round before.</summary>
    internal uint Phase { get; private set; } = 1;

    /// <summary>The submission queues that complete here.</summary>
    internal int Users { get; set; }

    /// <summary>Whether entries were written of which the driver has not been told.</summary>
    internal bool IsNews { get; set; }

    internal bool IsEmpty => Head == Tail;

    internal uint Room => (Head + Size - Tail - 1) % Size;

    /// <summary>Whether the controller waits for the driver to make room.</summary>
    internal bool IsFull
    {
        get => Volatile.Read(ref _isFull);
        set => Volatile.Write(ref _isFull, value);
    }

    internal void Advance()
    {
        Tail++;
        IsNews = true;
        if (Tail == Size)
        {
            Tail = 0;
            Phase ^= 1;
        }
    }
}

/// <summary>A queue of commands, which the driver fills.</summary>
/// <remarks>Threads: the controller's, under its lock.</remarks>
internal sealed class NvmeSubmissionQueue(int id, ulong iova, uint size, NvmeCompletionQueue completions)
{
    internal int Id { get; } = id;

    internal ulong Iova { get; } = iova;

    internal uint Size { get; } = size;

    internal NvmeCompletionQueue Completions { get; } = completions;

    /// <summary>The next command to fetch.</summary>
    internal uint Head { get; set; }

    /// <summary>The doorbell value that was found wrong last; it is told once.</summary>
    internal uint Wrong { get; set; }
}
