using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A range of demand-zero memory: the address space is taken at once, memory only where it is touched.</summary>
/// <remarks>
/// Owns: one anonymous private mapping; from 2 MiB on, or with huge pages, aligned to 2 MiB so that they fit.
/// Threads: the memory may be used from any thread; <see cref="Dispose"/> is called once, by the owner, when nobody uses it.
/// Teardown: never fails for a range that was mapped.
/// </remarks>
internal sealed unsafe class VirtualMemory : IDisposable
{
    internal const ulong HugePageBytes = 2UL << 20;

    private readonly nint _mapping;
    private readonly nuint _mappingBytes;
    private int _disposed;

    private VirtualMemory(nint mapping, nuint mappingBytes, byte* start, ulong length)
    {
        _mapping = mapping;
        _mappingBytes = mappingBytes;
        Start = start;
        Length = length;
    }

    /// <summary>The first byte, at a multiple of 4 KiB, or of 2 MiB as said above.</summary>
    internal byte* Start { get; }

    /// <summary>The bytes asked for.</summary>
    internal ulong Length { get; }

    /// <summary>Takes address space.</summary>
    /// <param name="length">Bytes, at least one.</param>
    /// <param name="hugePages">Whether the kernel is advised to use huge pages: faster for large tables, 2 MiB at the first touch.</param>
    /// <returns>The memory, or null when the kernel has none.</returns>
    internal static VirtualMemory? TryReserve(ulong length, bool hugePages)
    {
        if (length is 0 or > (1UL << 47))
        {
            return null;
        }

        ulong room = length < HugePageBytes && !hugePages ? length : length + HugePageBytes;
        nint mapping = Libc.MemoryMap(
            0,
            (nuint)room,
            Libc.ProtRead | Libc.ProtWrite,
            Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve,
            -1,
            0);
        if (mapping == Libc.MapFailed)
        {
            return null;
        }

        ulong start = room == length ? (ulong)mapping : ((ulong)mapping + HugePageBytes - 1) & ~(HugePageBytes - 1);
        // SAFETY: [start, start + length) lies inside the mapping made above, which is at least 2 MiB longer when start moved.
        byte* first = (byte*)start;
        _ = Libc.MemoryAdvise((nint)first, (nuint)length, hugePages ? Libc.AdviseHugePage : Libc.AdviseNoHugePage);
        return new VirtualMemory(mapping, (nuint)room, first, length);
    }

    /// <summary>Takes address space or says why not.</summary>
    /// <param name="length">Bytes, at least one.</param>
    /// <param name="hugePages">Whether the kernel is advised to use huge pages.</param>
    /// <returns>The memory.</returns>
    /// <exception cref="IOException">The kernel refused.</exception>
    internal static VirtualMemory Reserve(ulong length, bool hugePages) =>
        TryReserve(length, hugePages) ?? throw new IOException(
            $"Linux refused 0x{length:x} bytes of address space (errno {Marshal.GetLastPInvokeError()}): raise RLIMIT_AS or use a smaller aperture.");

    /// <summary>Gives the memory behind whole pages back; they read as zero afterwards.</summary>
    /// <param name="offset">A multiple of 4 KiB.</param>
    /// <param name="length">A multiple of 4 KiB.</param>
    internal void Discard(ulong offset, ulong length) =>
        // SAFETY: the caller names a part of the range; the kernel checks it again.
        _ = Libc.MemoryAdvise((nint)(Start + offset), (nuint)length, Libc.AdviseDontNeed);

    /// <summary>Gives the address space and the memory back. The second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _ = Libc.MemoryUnmap(_mapping, _mappingBytes);
        }
    }
}
