namespace FastIova;

/// <summary>The memory of one process, as the engine reaches it: its own, or a client's.</summary>
/// <remarks>
/// <para>Owns: the tally of what is pinned on behalf of the process.</para>
/// <para>Invariants. A frame stays usable from the pin that handed it out to the unpin that gives it back, even when the
/// process has gone in between, unless it is remote: a remote frame of a process that is gone can no longer be copied.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal abstract class MemorySpace
{
    private static readonly Lock Registry = new();
    private static MemorySpace?[] _spaces = new MemorySpace?[16];

    private protected MemorySpace(bool isRemote)
    {
        if (isRemote)
        {
            lock (Registry)
            {
                int free = Array.IndexOf(_spaces, null);
                if (free < 0)
                {
                    free = _spaces.Length;
                    if (free >= 1 << 16)
                    {
                        throw new InvalidOperationException("The engine reaches 65,536 processes already: end some of them first.");
                    }

                    Array.Resize(ref _spaces, free * 2);
                }

                _spaces[free] = this;
                Index = free;
            }
        }
        else
        {
            Index = -1;
        }
    }

    /// <summary>What remote frames call the process; -1 for the engine's own.</summary>
    internal int Index { get; }

    /// <summary>What is pinned and locked on behalf of the process, in pages (VmPin and VmLck of its status).</summary>
    internal MemoryTally Tally { get; } = new();

    /// <summary>The process whose remote frames have an index; null when it is gone and nothing of it is pinned.</summary>
    internal static MemorySpace? ByIndex(int index) => Volatile.Read(ref _spaces)[index];

    /// <summary>Copies out of the process.</summary>
    /// <returns>False when some byte is not readable there (EFAULT); the destination may be written in part.</returns>
    internal abstract bool TryRead(ulong address, Span<byte> destination);

    /// <summary>Copies into the process.</summary>
    /// <returns>False when some byte is not writable there (EFAULT); the memory may be written in part.</returns>
    internal abstract bool TryWrite(ulong address, ReadOnlySpan<byte> source);

    /// <summary>Finds the frames of pages, faulting them in, and keeps them usable.</summary>
    /// <param name="address">The first page's address, a multiple of 4 KiB.</param>
    /// <param name="firstPage">The index that the first page has in the runs.</param>
    /// <param name="pages">How many, at least one.</param>
    /// <param name="write">Whether the pages must be writable.</param>
    /// <param name="runs">Receives the frames in ascending order; nothing on a failure.</param>
    internal abstract PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs);

    /// <summary>Gives frames back that <see cref="Pin"/> handed out. A run may be given back in parts. Never fails.</summary>
    internal abstract void Unpin(FrameRun run);

    /// <summary>Which page lies at an address now.</summary>
    /// <returns>False when nothing does.</returns>
    internal abstract bool TryIdentify(ulong address, out PageIdentity identity);

    /// <summary>Forgets a process that is gone and of which nothing is pinned any more.</summary>
    private protected void Unregister()
    {
        if (Index >= 0)
        {
            lock (Registry)
            {
                _spaces[Index] = null;
            }
        }
    }
}
