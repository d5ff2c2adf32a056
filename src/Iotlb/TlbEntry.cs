using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>
/// One translation: a tag that says for whom and for what it holds, and what to add to an IOVA to get the host address.
/// <code>
/// tag: 63 ............................ 12 | 11 ......... 2 |   1   |  0
///       IOVA of the page (4 KiB or 2 MiB) | space (1..1022) | write | read
/// </code>
/// </summary>
/// <param name="Tag">Zero never matches: no space has the number zero.</param>
/// <param name="Addend">Host address less IOVA, modulo 2^64.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TlbEntry(ulong Tag, ulong Addend)
{
    internal const int SpaceShift = 2;
    internal const int SpaceLast = 1022;

    private const ulong PermissionMask = 3;
    private const ulong SpaceMask = 1023UL << SpaceShift;

    /// <summary>The tag bits of a space that has no number: no entry ever carries them.</summary>
    internal const ulong Unnumbered = SpaceMask;

    /// <summary>The bits of a tag that a look-up compares: all but the permissions that it does not need.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong CompareMask(Permission access) => ~PermissionMask | (ulong)access;

    /// <summary>The low bits of the key of a look-up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong KeyBits(ulong spaceBits, Permission access) => spaceBits | (ulong)access;

    /// <summary>A space's number where a tag has it.</summary>
    internal static ulong SpaceBits(int space) => (ulong)space << SpaceShift;

    internal bool IsOf(ulong spaceBits) => (Tag & SpaceMask) == spaceBits;
}
