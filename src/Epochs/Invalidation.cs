using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One line of the invalidation log: what a port may no longer hold in its translation cache.</summary>
/// <param name="Space">The number of the address space; zero names no space and invalidates nothing.</param>
/// <param name="First">The lowest address.</param>
/// <param name="Last">The highest address, inclusive; a span of all addresses flushes the space by generation.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct Invalidation(ulong Space, ulong First, ulong Last)
{
    /// <summary>Invalidates nothing; makes every reader look at the world again.</summary>
    internal static Invalidation Nothing => default;

    internal bool IsWholeSpace => First == 0 && Last == ulong.MaxValue;

    internal static Invalidation WholeSpace(ulong space) => new(space, 0, ulong.MaxValue);
}
