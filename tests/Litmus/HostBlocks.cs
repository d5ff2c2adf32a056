namespace FastIova.Litmus;

/// <summary>What becomes of memory once its unmap has returned.</summary>
internal enum Retirement
{
    /// <summary>Never used yet, or in use.</summary>
    None = 0,

    /// <summary>No access at all: a late use ends the process with SIGSEGV.</summary>
    Inaccessible = 1,

    /// <summary>Refilled: a late read sees poison, a late write spoils it.</summary>
    Poisoned = 2,

    /// <summary>Given back to the system: a late read sees zeros, a late write brings them back to life.</summary>
    Discarded = 3,
}

/// <summary>The host memory of one site: blocks that take turns behind it, so that a mapping never has the memory of the one before.</summary>
/// <remarks>Owns: its reservation; only the probed pages are ever touched. Threads: the site's writer.</remarks>
internal sealed unsafe class HostBlocks : IDisposable
{
    internal const int Count = 3;
    internal const ulong PageBytes = 4096;

    /// <summary>The bytes of a probed page that are written and checked: stamp, atomic word and written word on a line each.</summary>
    internal const int ProbedBytes = 192;

    internal const ulong Poison = 0xDEAD_BEEF_DEAD_BEEF;

    private readonly VirtualMemory _memory;
    private readonly byte* _start;
    private readonly ulong _blockBytes;
    private readonly Retirement[] _retired = new Retirement[Count];

    internal HostBlocks(ulong blockBytes)
    {
        _blockBytes = blockBytes;

        // One block more than used: what is read beyond the last one is zero, and no stamp is.
        _memory = VirtualMemory.Reserve(blockBytes * (Count + 2), hugePages: false);
        // SAFETY: the blocks are aligned to their size, which is a power of two, and end inside the reservation.
        _start = (byte*)(((ulong)_memory.Start + blockBytes - 1) & ~(blockBytes - 1));
        Whole = HostMemory.Register((nuint)_start, blockBytes * Count);
    }

    /// <summary>All blocks, for mapping.</summary>
    internal HostMemory Whole { get; }

    /// <summary>The first byte of a block.</summary>
    internal byte* Of(int block) => _start + ((ulong)block * _blockBytes);

    /// <summary>Takes a block into use again.</summary>
    /// <param name="block">Which.</param>
    /// <param name="probed">The offsets of its probed pages.</param>
    /// <returns>False when something wrote to it after it was retired.</returns>
    internal bool TryRestore(int block, ReadOnlySpan<ulong> probed)
    {
        Retirement retired = _retired[block];
        _retired[block] = Retirement.None;
        if (retired == Retirement.Inaccessible)
        {
            Protect(Of(block), _blockBytes, Libc.ProtRead | Libc.ProtWrite);
        }

        return retired switch
        {
            Retirement.Poisoned => AllPagesAre(block, probed, Poison),
            Retirement.Discarded => AllPagesAre(block, probed, 0),
            _ => true,
        };
    }

    /// <summary>Spoils a block whose unmap has returned.</summary>
    internal void Retire(int block, Retirement how, ReadOnlySpan<ulong> probed)
    {
        _retired[block] = how;
        switch (how)
        {
            case Retirement.Inaccessible:
                Protect(Of(block), _blockBytes, Libc.ProtNone);
                break;
            case Retirement.Discarded:
                _ = Libc.MemoryAdvise((nint)Of(block), (nuint)_blockBytes, Libc.AdviseDontNeed);
                break;
            default:
                foreach (ulong offset in probed)
                {
                    // SAFETY: the offset of a page inside the block.
                    new Span<ulong>(Of(block) + offset, ProbedBytes / sizeof(ulong)).Fill(Poison);
                }

                break;
        }
    }

    /// <summary>Sets what the processor lets anybody do with part of a block.</summary>
    internal static void Protect(byte* start, ulong bytes, int protection)
    {
        if (Libc.MemoryProtect((nint)start, (nuint)bytes, protection) != 0)
        {
            throw new IOException($"mprotect of 0x{bytes:x} bytes at 0x{(ulong)start:x} failed: raise vm.max_map_count.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Whole.Dispose();
        _memory.Dispose();
    }

    private bool AllPagesAre(int block, ReadOnlySpan<ulong> probed, ulong value)
    {
        foreach (ulong offset in probed)
        {
            // SAFETY: as Retire.
            if (new ReadOnlySpan<ulong>(Of(block) + offset, ProbedBytes / sizeof(ulong)).ContainsAnyExcept(value))
            {
                return false;
            }
        }

        return true;
    }
}
