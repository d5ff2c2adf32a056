using System.Diagnostics;

namespace FastIova;

/// <summary>How fast somebody is told no: at once, but who is refused without end waits for the answers.</summary>
/// <remarks>
/// <para>A program that asks again and again for what it cannot have costs the others processors: its own and those that answer it. One that
/// waits costs nothing, and one that makes a mistake now and then never notices.</para>
/// <para>Invariants. P1: in any time, the refusals that are answered in it are at most a burst, <see cref="BurstSeconds"/> long, and the rate,
/// but for those that have waited <see cref="Longest"/>. P2: no answer waits longer than that, however many have come together.</para>
/// <para>Threads: any.</para>
/// </remarks>
/// <param name="perSecond">How many in the long run: none to let each wait, <see cref="long.MaxValue"/> for as many as come.</param>
/// <param name="delayed">Counts those that had to wait.</param>
internal sealed class RefusalPace(long perSecond, EventCount delayed)
{
    /// <summary>For how long the rate may be saved up.</summary>
    internal const int BurstSeconds = 100;

    // Who asks by many threads is answered in each of them once in such a time: no hurry, and no end of waiting either.
    private const int LongestMilliseconds = 500;

    private static readonly long Burst = BurstSeconds * Stopwatch.Frequency;
    private static readonly long AheadLast = Burst + (LongestMilliseconds * Stopwatch.Frequency / 1000);

    private readonly Lock _lock = new();
    private readonly long _interval = perSecond == 0 ? AheadLast : Stopwatch.Frequency / perSecond;

    // When everything that was answered would have been, at the rate.
    private long _paidUntil;

    /// <summary>The longest that an answer waits.</summary>
    internal static TimeSpan Longest { get; } = TimeSpan.FromMilliseconds(LongestMilliseconds);

    /// <summary>Whether an answer is one of those that no program in order is given often. What depends on others, or on the moment, is none: nothing there, there already, busy, no room.</summary>
    internal static bool IsRefusal(long result) => (Errno)(-result) is
        Errno.NotPermitted or Errno.TooBig or Errno.BadDescriptor or Errno.OutOfMemory or Errno.AccessDenied or Errno.BadAddress
        or Errno.Invalid or Errno.TooManyFiles or Errno.NotATypewriter or Errno.NotSupported;

    /// <summary>Whether anybody ever waits.</summary>
    internal bool IsLimited => _interval != 0;

    /// <summary>One more is refused.</summary>
    /// <param name="now">When (<see cref="Stopwatch.GetTimestamp"/>).</param>
    /// <returns>How long the answer is to wait.</returns>
    internal TimeSpan Next(long now)
    {
        if (!IsLimited)
        {
            return TimeSpan.Zero;
        }

        long ahead;
        lock (_lock)
        {
            _paidUntil = Math.Min(Math.Max(_paidUntil, now) + _interval, now + AheadLast);
            ahead = _paidUntil - now - Burst;
        }

        if (ahead <= 0)
        {
            return TimeSpan.Zero;
        }

        delayed.Add();
        return Stopwatch.GetElapsedTime(0, ahead);
    }
}
