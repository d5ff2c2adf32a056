namespace FastIova;

/// <summary>The memory of one process, as the engine reaches it: its own, or a client's.</summary>
/// <remarks>
/// <para>Owns: the tally of what is pinned on behalf of the process.</para>
/// <para>Invariants. A frame stays usable from the pin that handed it out to the unpin that gives it back, even when the
/// process has gone in between, unless it is remote: a remote frame of a process that is gone can no longer be copied. No
/// method throws, as some are called under locks: a process that is gone is an answer.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal abstract class MemorySpace : PageSource
{
    private static readonly Lock Registry = new();
    private static MemorySpace?[] _spaces = new MemorySpace?[16];
    private static ulong _lastSerial;

    private protected MemorySpace(bool isRemote)
        : base(PagesKind.Memory)
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

    /// <summary>The owner of the process's private pages in a <see cref="PageIdentity"/>; no backing object has it.</summary>
    internal UInt128 PrivateOwner { get; } = UInt128.MaxValue - Interlocked.Increment(ref _lastSerial);

    /// <summary>Whether the process is gone: what it has not pinned yet cannot be pinned or copied any more.</summary>
    internal virtual bool IsGone => false;

    /// <summary>The same memory, with that of devices which the process has mapped.</summary>
    internal virtual PageSource WithDevices => this;

    /// <summary>What is pinned and locked on behalf of the process, in pages (VmPin and VmLck of its status).</summary>
    internal MemoryTally Tally { get; private protected init; } = new();

    /// <summary>The process whose remote frames have an index; null when it is gone and nothing of it is pinned.</summary>
    internal static MemorySpace? ByIndex(int index) => Volatile.Read(ref _spaces)[index];

    /// <summary>Copies out of the process.</summary>
    /// <returns>False when some byte is not readable there (EFAULT); the destination may be written in part.</returns>
    internal abstract bool TryRead(ulong address, Span<byte> destination);

    /// <summary>Copies into the process.</summary>
    /// <returns>False when some byte is not writable there (EFAULT); the memory may be written in part.</returns>
    internal abstract bool TryWrite(ulong address, ReadOnlySpan<byte> source);

    /// <summary>Which page lies at an address now.</summary>
    /// <returns>False when nothing does.</returns>
    internal abstract bool TryIdentify(ulong address, out PageIdentity identity);

    /// <summary>Whether several 4 KiB pages make one page of the kernel at an address (hugetlb), which has no pin count of its own.</summary>
    internal virtual bool IsCompound(ulong address) => false;

    /// <summary>Which page lies at an address of a mapping.</summary>
    /// <param name="region">A mapping of this process.</param>
    /// <param name="address">An address in it.</param>
    private protected PageIdentity IdentityIn(MemoryRegion region, ulong address)
    {
        address &= ~(Frame.PageBytes - 1);
        return region.IsShared
            ? new PageIdentity(new UInt128(region.Device, region.Inode), region.OffsetOf(address))
            : new PageIdentity(PrivateOwner, address);
    }

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
