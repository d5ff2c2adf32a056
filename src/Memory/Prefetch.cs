using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace FastIova;

/// <summary>Asks the processor to bring a line near. The address must be mapped: a garbage address costs 6 to 8 ns (measured on Zen 5).</summary>
internal static unsafe class Prefetch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ToL1(void* address)
    {
        if (Sse.IsSupported)
        {
            // SAFETY: a prefetch reads no value and faults on nothing.
            Sse.Prefetch0(address);
        }
    }

    /// <summary>
    /// The same for a line that is used once: it does not push out of the second-level cache what is used again, such as the
    /// root of a table. Against <see cref="ToL1"/> it took 5.0 for 6.6 ns a look-up on set L, 11.2 for 12.4 on XL (two runs of each in turn on a busy Zen 4, 2026-11).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Once(void* address)
    {
        if (Sse.IsSupported)
        {
            // SAFETY: as ToL1.
            Sse.PrefetchNonTemporal(address);
        }
    }
}
