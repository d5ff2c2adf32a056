using System.Diagnostics;

namespace FastIova;

/// <summary>Something that the other side of a ring will make true.</summary>
internal interface IRingCondition
{
    /// <summary>Whether it is true by now. Reads with acquire, changes nothing.</summary>
    bool IsMet();
}

/// <summary>Waits as a <see cref="WaitPolicy"/> says.</summary>
internal static class RingWait
{
    // A poll with its pause takes about 40 ns: together some 10 µs, what going to sleep and being woken costs (6 to 9 µs, measured on two cores).
    // Tried: 512 and 1280. Where rings share processors with other busy threads, a batch then takes from a tenth of the time to three times
    // as much, by where the scheduler has put the sides.
    private const int PollsBeforeGivingWay = 256;

    /// <summary>Waits until the condition is met.</summary>
    /// <returns>False when the time has passed.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled before the condition was met.</exception>
    internal static bool Until<TCondition>(in TCondition condition, WaitPolicy policy, Doorbell bell, TimeSpan timeout, CancellationToken cancellation)
        where TCondition : struct, IRingCondition
    {
        if (condition.IsMet())
        {
            return true;
        }

        if (timeout < TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "A wait is not negative: use zero to look once, Timeout.InfiniteTimeSpan for no limit.");
        }

        long start = Stopwatch.GetTimestamp();
        for (int polls = 1; ; polls++)
        {
            Thread.SpinWait(1);
            if (condition.IsMet())
            {
                return true;
            }

            if (policy == WaitPolicy.Spin ? polls % PollsBeforeGivingWay != 0 : polls < PollsBeforeGivingWay)
            {
                continue;
            }

            cancellation.ThrowIfCancellationRequested();
            if (timeout != Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(start) >= timeout)
            {
                return false;
            }

            if (policy == WaitPolicy.Yield)
            {
                Thread.Yield();
            }
            else if (policy == WaitPolicy.Park)
            {
                return Park(condition, bell, start, timeout, cancellation);
            }
        }
    }

    private static bool Park<TCondition>(in TCondition condition, Doorbell bell, long start, TimeSpan timeout, CancellationToken cancellation)
        where TCondition : struct, IRingCondition
    {
        // The token keeps used registrations, so that parking again allocates nothing.
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(static bell => ((Doorbell)bell!).Ring(), bell);
        while (true)
        {
            uint count = bell.Listen();
            if (condition.IsMet()) // the second look, see Doorbell I1
            {
                return true;
            }

            cancellation.ThrowIfCancellationRequested();
            TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? Doorbell.SleepLimit : timeout - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            bell.Sleep(count, left);
        }
    }
}
