using System.Globalization;

namespace FastIova;

/// <summary>
/// What stands behind one 4 KiB page, as one word: an address in the engine's own process, or a page of another process that
/// the engine can only copy from and to.
/// <code>
///        63 |       62 ... 47       | 46 ............ 12 | 11 ... 0
///    remote | process, by its index |  address of the page in it  |   zero
/// </code>
/// A frame of the own process has the remote bit clear and is its address.
/// </summary>
/// <param name="Word">The word.</param>
internal readonly record struct Frame(ulong Word)
{
    internal const int PageLg2 = 12;
    internal const ulong PageBytes = 1UL << PageLg2;

    /// <summary>What a remote address is less than.</summary>
    internal const ulong RemoteAddressEnd = 1UL << IndexShift;

    private const ulong RemoteBit = 1UL << 63;
    private const int IndexShift = 47;
    private const ulong IndexMask = 0xffff;

    internal bool IsRemote => (Word & RemoteBit) != 0;

    /// <summary>The address in the engine's own process; only when it is not remote.</summary>
    internal ulong Host => Word;

    /// <summary>Which process, as <see cref="MemorySpace.ByIndex"/> knows it; only when it is remote.</summary>
    internal int SpaceIndex => (int)((Word >> IndexShift) & IndexMask);

    /// <summary>The address in that process; only when it is remote.</summary>
    internal ulong RemoteAddress => Word & (RemoteAddressEnd - 1);

    internal static Frame OfHost(ulong address) => new(address);

    internal static Frame OfRemote(int spaceIndex, ulong address) => new(RemoteBit | ((ulong)spaceIndex << IndexShift) | address);

    /// <summary>The frame of the page so many pages on, within one run.</summary>
    internal Frame Next(ulong pages) => new(Word + (pages << PageLg2));

    public override string ToString() => IsRemote
        ? string.Create(CultureInfo.InvariantCulture, $"0x{RemoteAddress:x} of process {SpaceIndex}")
        : string.Create(CultureInfo.InvariantCulture, $"0x{Word:x}");
}

/// <summary>Neighbouring pages of a piece of memory with neighbouring frames.</summary>
/// <param name="FirstPage">The index of the first page, from the start of the piece.</param>
/// <param name="Pages">How many.</param>
/// <param name="First">The frame of the first page; the others follow it.</param>
internal readonly record struct FrameRun(ulong FirstPage, ulong Pages, Frame First);

/// <summary>What makes two pages the same page: what the kernel calls a page frame number.</summary>
/// <param name="Owner">The backing object (device and inode), or the process whose private memory it is.</param>
/// <param name="Offset">The offset in the object, or the address in the process; a multiple of 4 KiB.</param>
internal readonly record struct PageIdentity(UInt128 Owner, ulong Offset);
