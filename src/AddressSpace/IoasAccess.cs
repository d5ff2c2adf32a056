namespace FastIova;

/// <summary>A user of an ioas that is not a device: it pins pages, and reads and writes by the processor.</summary>
/// <remarks>
/// <para>Owns: the pins that it took, until it gives them back with the same range.</para>
/// <para>Invariants. U1: when <see cref="OnUnmap"/> has been called it gives back what overlaps, at once or soon. U2: pins are
/// taken from <see cref="Ioas"/> and given back to <see cref="UnpinIoas"/>; the two differ only while it moves.</para>
/// <para>Threads: any. Its lock is not held while <see cref="OnUnmap"/> runs.</para>
/// </remarks>
internal abstract class IoasAccess
{
    private readonly PatientLock _lock = new(LockRank.Access);

    /// <summary>The ioas that pins and copies come from; null when it is attached to none, or moving.</summary>
    internal Ioas? Ioas { get; private set; }

    /// <summary>The ioas that has the pins.</summary>
    internal Ioas? UnpinIoas { get; private set; }

    /// <summary>What iovas it needs aligned to: 1, or 4 KiB when it pins.</summary>
    internal abstract ulong Alignment { get; }

    /// <summary>Whether it pins pages, and so is asked before an unmap.</summary>
    internal abstract bool PinsPages { get; }

    /// <summary>Attaches, moves or detaches it. Pins in the old ioas are asked back, by a call about all iovas.</summary>
    /// <param name="next">The new ioas, or null.</param>
    /// <returns>Busy when another thread moves it; when the new ioas refuses it, it stays where it is.</returns>
    internal IoasStatus Attach(Ioas? next)
    {
        _lock.Enter();
        Ioas? current = Ioas;
        IoasStatus status = current != UnpinIoas ? IoasStatus.Busy : IoasStatus.Success;
        if (status != IoasStatus.Success || current == next)
        {
            _lock.Exit();
            return status;
        }

        Ioas = null;
        status = next?.AddAccess(this) ?? IoasStatus.Success;
        if (status != IoasStatus.Success)
        {
            Ioas = current;
            _lock.Exit();
            return status;
        }

        if (current is not null)
        {
            _lock.Exit();
            NotifyUnmap(0, ulong.MaxValue);
            _lock.Enter();
            current.RemoveAccess(this);
        }

        Ioas = next;
        UnpinIoas = next;
        _lock.Exit();
        return IoasStatus.Success;
    }

    /// <summary>Pins pages.</summary>
    /// <param name="iova">The first iova; begins a page.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="write">Whether they will be written.</param>
    /// <param name="frames">Receives one frame for each page.</param>
    /// <returns>The outcome; anything but success has pinned nothing.</returns>
    internal IoasStatus Pin(ulong iova, ulong length, bool write, Span<Frame> frames)
    {
        if (length == 0)
        {
            return IoasStatus.Invalid;
        }

        if (!IovaSpan.TryCreate(iova, length, out IovaSpan span))
        {
            return IoasStatus.Overflow;
        }

        _lock.Enter();
        IoasStatus status = Ioas?.PinFor(span, write, frames) ?? IoasStatus.NotFound;
        _lock.Exit();
        return status;
    }

    /// <summary>Pins pages that are one piece of the machine's memory; until they are given back nobody can unmap them.</summary>
    /// <param name="span">Whole pages.</param>
    /// <param name="first">The frame of the first page.</param>
    /// <returns>The outcome; anything but success has pinned nothing.</returns>
    internal IoasStatus PinLocked(IovaSpan span, out Frame first)
    {
        first = default;
        _lock.Enter();
        IoasStatus status = Ioas?.LockFor(span, out first) ?? IoasStatus.NotFound;
        _lock.Exit();
        return status;
    }

    /// <summary>Gives back what <see cref="Pin"/> took, with the same range. Never fails.</summary>
    internal void Unpin(ulong iova, ulong length)
    {
        _lock.Enter();
        UnpinIoas?.UnpinFor(IovaSpan.Of(iova, length));
        _lock.Exit();
    }

    /// <summary>Gives back what <see cref="PinLocked"/> took. Never fails.</summary>
    internal void UnpinLocked(IovaSpan span)
    {
        _lock.Enter();
        UnpinIoas?.UnpinFor(span, isLocked: true);
        _lock.Exit();
    }

    /// <summary>Copies out of the ioas.</summary>
    /// <param name="iova">The first iova.</param>
    /// <param name="destination">Receives the bytes; in part on a failure.</param>
    /// <param name="current">The memory of the process that asks, which it may read directly; null to read what a device would.</param>
    internal IoasStatus Read(ulong iova, Span<byte> destination, MemorySpace? current = null) => Copy(iova, CpuCopy.To(destination), current);

    /// <summary>Copies into the ioas.</summary>
    /// <param name="iova">The first iova.</param>
    /// <param name="source">The bytes; written in part on a failure.</param>
    /// <param name="current">As in <see cref="Read"/>.</param>
    internal IoasStatus Write(ulong iova, ReadOnlySpan<byte> source, MemorySpace? current = null) => Copy(iova, CpuCopy.From(source), current);

    internal void NotifyUnmap(ulong iova, ulong length)
    {
        if (PinsPages)
        {
            OnUnmap(iova, length);
        }
    }

    /// <summary>Called without any lock of the ioas before iovas are unmapped: unpin what overlaps.</summary>
    /// <param name="iova">The first iova.</param>
    /// <param name="length">Bytes; 2^64 - 1 stands for everything.</param>
    protected abstract void OnUnmap(ulong iova, ulong length);

    private IoasStatus Copy(ulong iova, CpuCopy copy, MemorySpace? current)
    {
        if (copy.Length == 0)
        {
            return IoasStatus.Invalid;
        }

        if (!IovaSpan.TryCreate(iova, (ulong)copy.Length, out IovaSpan span))
        {
            return IoasStatus.Overflow;
        }

        _lock.Enter();
        IoasStatus status = Ioas?.CopyFor(span, copy, current) ?? IoasStatus.NotFound;
        _lock.Exit();
        return status;
    }
}
