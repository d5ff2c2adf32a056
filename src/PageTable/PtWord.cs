using System.Globalization;
using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>
/// One 64-bit word of a page table: a leaf, a pointer to a leaf table, or nothing.
/// <code>
/// 63 ............................ 11 | 10 9 8 7 |   6   |  5   |   4   |   3   |    2    |   1   |  0
///  host address (aligned to the page)|   zero   | dirty | huge | large | table | present | write | read
/// </code>
/// A leaf whose page the engine can only copy has bit 63, which no host address has, and not the present bit: every look-up
/// takes it for a fault at no cost, and everything else takes it for the mapping it is.
/// </summary>
/// <param name="Bits">The word as it lies in the table; zero is "absent".</param>
internal readonly record struct PtWord(ulong Bits)
{
    internal const ulong Read = 1UL << 0;
    internal const ulong Write = 1UL << 1;

    /// <summary>A leaf that can be translated. Set in every mapped word that is not remote, so that an access whose direction is unknown has a bit to ask for.</summary>
    internal const ulong Present = 1UL << PresentLg2;

    /// <summary>A word of the root that points to a leaf table; never together with <see cref="Present"/>.</summary>
    internal const ulong Table = 1UL << 3;

    /// <summary>A leaf that lies in the root: a page as large as the reach of a leaf table (2 MiB).</summary>
    internal const ulong Large = 1UL << 4;

    /// <summary>A large leaf that is one of 512 which make one page (1 GiB); a mark for reports, translation ignores it.</summary>
    internal const ulong Huge = 1UL << 5;

    /// <summary>The page was written through this leaf.</summary>
    internal const ulong Dirty = 1UL << 6;

    /// <summary>The highest bit of the address of a leaf whose page the engine can only copy; never together with <see cref="Present"/>.</summary>
    internal const ulong Remote = 1UL << RemoteLg2;

    internal const int RemoteLg2 = 63;
    internal const int PresentLg2 = 2;

    /// <summary>From the permission to write to the mark of what was written.</summary>
    internal const int WriteToDirty = 5;

    internal const ulong PermissionMask = Read | Write;

    /// <summary>For <see cref="PageTable.Map"/>: a mapping that allows nothing, where <see cref="Permission.None"/> would be refused as a mistake.</summary>
    internal const Permission NoAccess = (Permission)0x80;

    internal const ulong AddressMask = ~((1UL << 11) - 1);

    internal bool IsAbsent => Bits == 0;

    internal bool IsPresent => (Bits & Present) != 0;

    internal bool IsRemote => (Bits & (Remote | Present)) == Remote;

    internal bool IsTable => (Bits & Table) != 0;

    internal bool IsLarge => (Bits & Large) != 0;

    internal bool IsHuge => (Bits & Huge) != 0;

    internal bool IsDirty => (Bits & Dirty) != 0;

    internal ulong Host => Bits & AddressMask;

    internal Permission Permission => (Permission)(Bits & PermissionMask);

    /// <summary>The bits that a word must have so that an access may go through it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Need(Permission access) => (ulong)access | Present;

    /// <summary>The word of a leaf.</summary>
    /// <param name="host">A host address, or what stands for a page elsewhere: with bit 63.</param>
    /// <param name="permission">What it allows, or <see cref="NoAccess"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Leaf(ulong host, Permission permission) =>
        host | ((ulong)permission & PermissionMask) | ((~host & Remote) >> (RemoteLg2 - PresentLg2));

    public override string ToString() => IsAbsent
        ? "absent"
        : IsTable
            ? string.Create(CultureInfo.InvariantCulture, $"table at 0x{Host:x}")
            : string.Create(CultureInfo.InvariantCulture, $"0x{Host:x} {Permission}{(IsRemote ? " remote" : string.Empty)}{(IsHuge ? " huge" : IsLarge ? " large" : string.Empty)}{(IsDirty ? " dirty" : string.Empty)}");
}
