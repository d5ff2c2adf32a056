namespace FastIova;

/// <summary>How much of something a client may have, and its user with all its clients.</summary>
/// <remarks>
/// <para>Invariants. Q1: nobody above has less in use than those below together. Q2: what is refused has taken nothing, here or above.</para>
/// <para>Threads: any. It lives as long as what was taken from it, whoever took it.</para>
/// </remarks>
/// <param name="limit">The most; <see cref="long.MaxValue"/> for no limit.</param>
/// <param name="above">Whose part this is; null for nobody's.</param>
/// <param name="refusals">Counts what was refused.</param>
internal sealed class Quota(long limit, Quota? above, EventCount refusals)
{
    private long _used;

    /// <summary>What is in use.</summary>
    internal long Used => Interlocked.Read(ref _used);

    /// <summary>Takes some, unless that would pass a limit here or above.</summary>
    /// <returns>False when it would: nothing was taken.</returns>
    internal bool TryTake(long count)
    {
        long now = Interlocked.Read(ref _used);
        while (true)
        {
            if (count > limit - now)
            {
                refusals.Add();
                return false;
            }

            long seen = Interlocked.CompareExchange(ref _used, now + count, now);
            if (seen == now)
            {
                break;
            }

            now = seen;
        }

        if (above is null || above.TryTake(count))
        {
            return true;
        }

        Interlocked.Add(ref _used, -count);
        return false;
    }

    /// <summary>Gives some back; a negative number takes some, whatever the limit.</summary>
    internal void GiveBack(long count)
    {
        Interlocked.Add(ref _used, -count);
        above?.GiveBack(count);
    }
}
