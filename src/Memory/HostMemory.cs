namespace FastIova;

/// <summary>
/// A range of this process's memory that was checked once, so that parts of it are mapped for devices without asking the
/// kernel each time.
/// </summary>
/// <remarks>
/// Owns: the memory when it was allocated here; nothing when it was only registered.
/// Threads: any; dispose it when no domain maps it any more.
/// </remarks>
public sealed unsafe class HostMemory : IDisposable
{
    private readonly VirtualMemory? _owned;

    private HostMemory(nuint address, ulong length, VirtualMemory? owned)
    {
        Address = address;
        Length = length;
        _owned = owned;
        if (owned is not null || IsReadable(address, length - 1, RegionFlags.None))
        {
            KnownMemory.Add(address, address + length - 1, owned is not null || IsReadable(address, length - 1, RegionFlags.Writable), this);
        }
    }

    /// <summary>The address of the first byte.</summary>
    public nuint Address { get; }

    /// <summary>The bytes in the range.</summary>
    public ulong Length { get; }

    /// <summary>Allocates demand-zero memory, aligned to 2 MiB when it is that long or may lie in huge pages, else to 4 KiB.</summary>
    /// <param name="length">Bytes, at least one; rounded up to 4 KiB.</param>
    /// <param name="hugePages">Whether the kernel is advised to use huge pages.</param>
    /// <returns>The memory; dispose it to give it back.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is zero or more than 2^46.</exception>
    /// <exception cref="IOException">Linux has no such range of address space.</exception>
    public static HostMemory Allocate(ulong length, bool hugePages = false)
    {
        if (length is 0 or > (1UL << 46))
        {
            throw new ArgumentOutOfRangeException(nameof(length), length, $"Cannot allocate 0x{length:x} bytes: the length must be from 1 to 2^46.");
        }

        ulong rounded = (length + 4095) & ~4095UL;
        var memory = VirtualMemory.Reserve(rounded, hugePages);
        return new HostMemory((nuint)memory.Start, rounded, memory);
    }

    /// <summary>Registers memory that the caller owns and keeps mapped.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="length">Bytes, at least one.</param>
    /// <returns>The registration.</returns>
    /// <exception cref="ArgumentException">The range is empty, wraps, or has a hole that is not mapped in this process.</exception>
    public static HostMemory Register(nuint address, ulong length)
    {
        if (length == 0)
        {
            throw new ArgumentException($"The host range at 0x{(ulong)address:x} is empty: register at least one byte.", nameof(length));
        }

        if (!HostRange.IsMapped(address, length - 1))
        {
            throw new ArgumentException(
                $"The host range of 0x{length:x} bytes at 0x{(ulong)address:x} is not mapped throughout in this process: allocate it before registering it.",
                nameof(address));
        }

        return new HostMemory(address, length, owned: null);
    }

    /// <summary>The memory as bytes, for the program that shares it with devices.</summary>
    /// <param name="offset">The first byte, from the start of the range.</param>
    /// <param name="length">Bytes.</param>
    /// <returns>The bytes; valid until the memory is disposed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie in the range.</exception>
    public Span<byte> Bytes(ulong offset, int length)
    {
        if (length < 0 || !Contains(offset, (ulong)length))
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The part of {length} bytes at offset 0x{offset:x} leaves the range of 0x{Length:x} bytes.");
        }

        // SAFETY: the part was checked against the range, which its owner keeps mapped.
        return new Span<byte>((byte*)Address + offset, length);
    }

    /// <summary>Whether a part lies in the range.</summary>
    /// <param name="offset">From the start of the range.</param>
    /// <param name="length">Bytes.</param>
    /// <returns>True when it does.</returns>
    public bool Contains(ulong offset, ulong length) => offset <= Length && length <= Length - offset;

    /// <summary>Makes a part of memory that was allocated here zero; whole pages of it are given back until they are touched.</summary>
    internal void Clear(ulong offset, ulong length)
    {
        const ulong PageBytes = 4096;
        if (!Contains(offset, length))
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The part of 0x{length:x} bytes at offset 0x{offset:x} leaves the range of 0x{Length:x} bytes.");
        }

        // A short part is touched again soon: the kernel would have to find a page for it.
        const ulong LongPart = 64 << 10;
        ulong first = (offset + PageBytes - 1) & ~(PageBytes - 1);
        ulong end = (offset + length) & ~(PageBytes - 1);
        if (_owned is null || length < LongPart)
        {
            first = end = offset + length;
        }

        Zero(offset, first - offset);
        _owned?.Discard(first, end - first);
        Zero(end, offset + length - end);
    }

    /// <summary>Gives memory that was allocated here back. No device may use it any more.</summary>
    public void Dispose()
    {
        KnownMemory.Remove(this);
        _owned?.Dispose();
    }

    private void Zero(ulong offset, ulong length)
    {
        while (length != 0)
        {
            int part = (int)Math.Min(length, 1 << 30);
            Bytes(offset, part).Clear();
            offset += (uint)part;
            length -= (uint)part;
        }
    }

    private static bool IsReadable(ulong address, ulong lengthLessOne, RegionFlags too) =>
        ProcessMaps.Own.Allows(address, address + lengthLessOne, RegionFlags.Readable | too);
}
