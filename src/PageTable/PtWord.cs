using System.Globalization;
using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>
/// One 64-bit word of a page table: a leaf, a pointer to a leaf table, or nothing.
/// <code>
/// 63 ............................ 11 | 10 9 8 7 |   6   |  5   |   4   |   3   |    2    |   1   |  0
///  host address (aligned to the page)|   zero   | dirty | huge | large | table | present | write | read
/// </code>
/// </summary>
/// <param name="Bits">The word as it lies in the table; zero is "absent".</param>
internal readonly record struct PtWord(ulong Bits)
{
    internal const ulong Read = 1UL << 0;
    internal const ulong Write = 1UL << 1;

    /// <summary>A leaf. Set in every mapped word, so that an access whose direction is unknown has a bit to ask for.</summary>
    internal const ulong Present = 1UL << 2;

    /// <summary>A word of the root that points to a leaf table; never together with <see cref="Present"/>.</summary>
    internal const ulong Table = 1UL << 3;

    /// <summary>A leaf that lies in the root: a page as large as the reach of a leaf table (2 MiB).</summary>
    internal const ulong Large = 1UL << 4;

    /// <summary>A large leaf that is one of 512 which make one page (1 GiB); a mark for reports, translation ignores it.</summary>
    internal const ulong Huge = 1UL << 5;

    /// <summary>The page was written through this leaf.</summary>
    internal const ulong Dirty = 1UL << 6;

    internal const ulong PermissionMask = Read | Write;
    internal const ulong AddressMask = ~((1UL << 11) - 1);

    internal bool IsAbsent => Bits == 0;

    internal bool IsPresent => (Bits & Present) != 0;

    internal bool IsTable => (Bits & Table) != 0;

    internal bool IsLarge => (Bits & Large) != 0;

    internal bool IsHuge => (Bits & Huge) != 0;

    internal bool IsDirty => (Bits & Dirty) != 0;

    internal ulong Host => Bits & AddressMask;

    internal Permission Permission => (Permission)(Bits & PermissionMask);

    /// <summary>The bits that a word must have so that an access may go through it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Need(Permission access) => (ulong)access | Present;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Leaf(ulong host, Permission permission) => host | (ulong)permission | Present;

    public override string ToString() => IsAbsent
        ? "absent"
        : IsTable
            ? string.Create(CultureInfo.InvariantCulture, $"table at 0x{Host:x}")
            : string.Create(CultureInfo.InvariantCulture, $"0x{Host:x} {Permission}{(IsHuge ? " huge" : IsLarge ? " large" : string.Empty)}{(IsDirty ? " dirty" : string.Empty)}");
}
