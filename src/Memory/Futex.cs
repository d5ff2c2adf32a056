using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Parks a thread on a 32-bit word that may be shared between processes, and wakes it.</summary>
/// <remarks>Threads: any, in any process that maps the word.</remarks>
internal static unsafe class Futex
{
    private const int OperationWait = 0;
    private const int OperationWake = 1;

    private static readonly long SystemCallNumber = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,
        _ => 98, // the generic table: Arm64, RISC-V
    };

    /// <summary>Sleeps while the word holds <paramref name="expected"/>, at most <paramref name="timeout"/>. May return early.</summary>
    /// <param name="word">A word in mapped memory, 4-byte aligned.</param>
    /// <param name="expected">The value under which to sleep.</param>
    /// <param name="timeout">An upper bound.</param>
    internal static void Wait(uint* word, uint expected, TimeSpan timeout)
    {
        long* interval = stackalloc long[2];
        interval[0] = (long)timeout.TotalSeconds;
        interval[1] = timeout.Ticks % TimeSpan.TicksPerSecond * 100;
        // SAFETY: word is mapped by the caller; the kernel reads the interval during the call only.
        _ = Libc.SystemCall(SystemCallNumber, (long)word, OperationWait, expected, (long)interval, 0, 0);
    }

    /// <summary>Wakes every sleeper on the word.</summary>
    /// <param name="word">The word given to <see cref="Wait"/>.</param>
    internal static void WakeAll(uint* word) =>
        // SAFETY: word is mapped by the caller.
        _ = Libc.SystemCall(SystemCallNumber, (long)word, OperationWake, int.MaxValue, 0, 0, 0);
}
