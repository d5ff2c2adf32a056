using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>One-sided fences: <see cref="Volatile"/>'s, also where the framework is older than they are.</summary>
/// <remarks>
/// x86 itself keeps loads in order among loads and stores among stores, so only the compiler has to be stopped there: a volatile load does, of
/// whatever word, and costs what a load costs. Elsewhere the full fence is the one that older frameworks have.
/// Threads: any.
/// </remarks>
internal static class Fence
{
#if !NET10_0_OR_GREATER
    private static int _anchor = 1;
#endif

    /// <summary>What was loaded before is loaded before whatever follows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Reads()
    {
#if NET10_0_OR_GREATER
        Volatile.ReadBarrier();
#else
        StopCompiler();
#endif
    }

    /// <summary>What was stored before is seen before whatever is stored afterwards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Writes()
    {
#if NET10_0_OR_GREATER
        Volatile.WriteBarrier();
#else
        StopCompiler();
#endif
    }

#if !NET10_0_OR_GREATER
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StopCompiler()
    {
        if (System.Runtime.Intrinsics.X86.X86Base.IsSupported)
        {
            _ = Volatile.Read(ref _anchor);
        }
        else
        {
            Interlocked.MemoryBarrier();
        }
    }
#endif
}
