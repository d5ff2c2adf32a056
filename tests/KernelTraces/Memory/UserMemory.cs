using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIova.KernelTraces;

/// <summary>The memory that the recorded process had prepared, at the same addresses of this one.</summary>
/// <remarks>
/// Owns: the addresses from 0x200000000 to 0x230001000; one object at a time in a process. Files are those who take them.
/// Threads: one.
/// </remarks>
internal sealed unsafe class UserMemory : IDisposable
{
    internal const ulong PageBytes = 4096;

    /// <summary>Arrays, bitmaps and buffers that the structs point to.</summary>
    internal const ulong Scratch = 0x2_1000_0000;
    internal const ulong ScratchBytes = 1 << 20;

    /// <summary>Structs; behind them is a hole.</summary>
    internal const ulong Structs = 0x2_2000_0000;
    internal const ulong StructsBytes = 0x2000;

    /// <summary>Where nothing is ever mapped.</summary>
    internal const ulong Nowhere = 0x2_3000_0000;

    internal const byte ScratchFill = 0x5a;
    internal const byte StructFill = 0xa5;

    private const ulong Arena = 0x2_0000_0000;
    private const ulong ReadWrite = Arena;
    private const ulong ReadOnly = Arena + 0x100_0000;
    private const ulong Untouched = Arena + 0x200_0000;
    private const ulong Checkered = Arena + 0x300_0000;
    private const ulong Shared = Arena + 0x380_0000;
    private const ulong Huge = Arena + 0x400_0000;
    private const ulong MappedFile = Arena + 0x500_0000;
    private const ulong Sixteen = 16 << 20;
    private const ulong Eight = 8 << 20;
    private const ulong Four = 4 << 20;

    private const int Private = NativeCalls.MapPrivate | NativeCalls.MapAnonymous;
    private const int Both = NativeCalls.ProtRead | NativeCalls.ProtWrite;

    // What the calls since the last filling may have changed.
    private const ulong UsualScratch = 0x8000;

    private ulong _usedScratch = ScratchBytes;
    private bool _isMapped;

    /// <summary>Maps everything anew.</summary>
    /// <param name="hugePages">Whether the process had 2 MiB pages.</param>
    /// <param name="files">Whether it had files: the first of them is mapped, too.</param>
    /// <returns>The files, or none; -1 stands for one that is missing.</returns>
    /// <exception cref="IOException">Linux has no such memory, or something else lies there.</exception>
    internal int[] Prepare(bool hugePages, bool files)
    {
        Dispose();
        _isMapped = true;
        Map(ReadWrite, Sixteen, Private);
        Map(ReadOnly, Eight, Private);
        MarkPages(ReadWrite, Sixteen);
        MarkPages(ReadOnly, Eight);
        Protect(ReadOnly, Eight, NativeCalls.ProtRead);
        Map(Untouched, Sixteen, Private);
        Map(Checkered, Eight, Private);
        for (ulong at = Checkered; at < Checkered + Eight; at += 64 * PageBytes)
        {
            Protect(at + (40 * PageBytes), 8 * PageBytes, NativeCalls.ProtRead);
            Check(NativeCalls.Unmap(at + (48 * PageBytes), 8 * PageBytes), "munmap", at);
            Protect(at + (56 * PageBytes), 8 * PageBytes, NativeCalls.ProtNone);
        }

        Map(Shared, Eight, NativeCalls.MapShared | NativeCalls.MapAnonymous);
        if (hugePages)
        {
            Map(Huge, Four, Private | NativeCalls.MapHugePages2M | NativeCalls.MapPopulate);
        }

        Map(Scratch, ScratchBytes, Private);
        Map(Structs, StructsBytes, Private);
        _usedScratch = ScratchBytes;
        int[] prepared = files ? PreparedFiles.Make(hugePages) : [];
        if (files)
        {
            Map(MappedFile, PreparedFiles.FirstBytes, NativeCalls.MapShared, prepared[0]);
        }

        return prepared;
    }

    /// <summary>Whether the 2 MiB pages are free that some sets need, in memory and as a file; see <see cref="HugePagePool"/>.</summary>
    internal static bool HasHugePages()
    {
        nint place = NativeCalls.Map(0, Eight, Both, Private | NativeCalls.MapHugePages2M | NativeCalls.MapPopulate, -1, 0);
        return place != NativeCalls.MapFailed && NativeCalls.Unmap((ulong)place, Eight) == 0;
    }

    public void Dispose()
    {
        if (_isMapped)
        {
            _isMapped = false;
            _ = NativeCalls.Unmap(Arena, MappedFile + PreparedFiles.FirstBytes - Arena);
            _ = NativeCalls.Unmap(Scratch, ScratchBytes);
            _ = NativeCalls.Unmap(Structs, StructsBytes);
        }
    }

    /// <summary>Brings the scratch buffer into the state before a call.</summary>
    /// <param name="words">What lies at its start; the rest is filled.</param>
    internal void FillScratch(ReadOnlySpan<ulong> words)
    {
        new Span<byte>((void*)Scratch, (int)_usedScratch).Fill(ScratchFill);
        _usedScratch = UsualScratch;
        MemoryMarshal.AsBytes(words).CopyTo(new Span<byte>((void*)Scratch, (int)ScratchBytes));
    }

    /// <summary>Says how much of the scratch buffer the last call may have written.</summary>
    internal void UsedScratch(ulong bytes) => _usedScratch = bytes > UsualScratch ? ScratchBytes : UsualScratch;

    /// <summary>Prepared bytes, to read or to write.</summary>
    internal static Span<byte> Bytes(ulong address, int count) => new((void*)address, count);

    /// <summary>Prepared words.</summary>
    internal static ReadOnlySpan<ulong> Words(ulong address, int count) => new((void*)address, count);

    /// <summary>FNV-1a over bytes.</summary>
    internal static ulong HashBytes(ulong address, ulong count)
    {
        ulong hash = Fnv.Start;
        foreach (byte value in new ReadOnlySpan<byte>((void*)address, (int)count))
        {
            hash = Fnv.Add(hash, value);
        }

        return hash;
    }

    /// <summary>The same sum over words.</summary>
    internal static ulong HashWords(ulong address, ulong bytes)
    {
        ulong hash = Fnv.Start;
        foreach (ulong value in Words(address, (int)(bytes / sizeof(ulong))))
        {
            hash = Fnv.Add(hash, value);
        }

        return hash;
    }

    // Four words of each page say where they lie: a stray copy shows.
    private static void MarkPages(ulong start, ulong length)
    {
        _ = NativeCalls.Advise(start, length, NativeCalls.AdvisePopulateWrite);
        for (ulong at = start; at < start + length; at += PageBytes / 4)
        {
            Unsafe.Write((void*)at, 0xa0a0_0000_0000_0000UL | at);
        }
    }

    private static void Map(ulong address, ulong length, int flags, int fd = -1)
    {
        nint place = NativeCalls.Map(address, length, Both, flags | NativeCalls.MapFixedNoReplace, fd, 0);
        Check(place == (nint)address ? 0 : -1, "mmap", address);
        if ((flags & NativeCalls.MapPopulate) == 0)
        {
            // Counts of pins are exact for small pages only.
            _ = NativeCalls.Advise(address, length, NativeCalls.AdviseNoHugePage);
        }
    }

    private static void Protect(ulong address, ulong length, int protection) =>
        Check(NativeCalls.Protect(address, length, protection), "mprotect", address);

    private static void Check(int result, string call, ulong address)
    {
        if (result != 0)
        {
            throw new IOException($"{call} at 0x{address:x} failed with errno {Marshal.GetLastPInvokeError()}: something else lies there, or memory is short.");
        }
    }

    private static class Fnv
    {
        internal const ulong Start = 0xcbf2_9ce4_8422_2325;

        internal static ulong Add(ulong hash, ulong value) => (hash ^ value) * 0x100_0000_01b3;
    }
}
