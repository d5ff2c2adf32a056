using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>Decides from misses how batches are translated: through the cache of small pages, through that of large ones, or straight from the table.</summary>
/// <remarks>Threads: the port's.</remarks>
internal struct CacheJudge
{
    // The cache is worth its probes while at most an eighth of them miss, judged over this many look-ups. Large pages are found in
    // the root as fast as in the cache: theirs must hardly miss at all.
    private const int JudgedLookups = 256;
    private const int MissesAllowed = JudgedLookups / 8;
    private const int LargeMissesAllowed = JudgedLookups / 32;

    // After a bad judgement so many look-ups go straight to the table, then twice as many, up to the last.
    private const int ShortestBypass = 1024;
    private const int LongestBypass = 65536;

    private int _judged;
    private int _missed;
    private int _missedLarge;
    private int _bypass;
    private int _lastBypass;

    /// <summary>Whether the cache of large pages is asked, and not that of small ones.</summary>
    internal bool LargeFirst { get; private set; }

    /// <summary>Whether the next look-ups leave the cache alone; they are counted as done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TakeBypass(int lookups)
    {
        if (_bypass <= 0)
        {
            return false;
        }

        _bypass -= lookups;
        return true;
    }

    /// <summary>Counts misses.</summary>
    /// <param name="missed">How many.</param>
    /// <param name="large">How many of them found a large page in the table.</param>
    internal void Missed(int missed, int large)
    {
        _missed += missed;
        _missedLarge += large;
    }

    /// <summary>Counts look-ups that went through the cache, and judges when there are enough.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Probed(int lookups)
    {
        _judged += lookups;
        if (_judged >= JudgedLookups)
        {
            Judge();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Judge()
    {
        if ((long)_missed * JudgedLookups > (long)(LargeFirst ? LargeMissesAllowed : MissesAllowed) * _judged)
        {
            // Misses on large pages say that the other cache should be asked; misses all over, that none should.
            bool large = _missedLarge * 2 > _missed;
            if (large != LargeFirst && (large || _missedLarge == 0))
            {
                LargeFirst = large;
            }
            else
            {
                _lastBypass = Math.Clamp(_lastBypass * 2, ShortestBypass, LongestBypass);
                _bypass = _lastBypass;
            }
        }
        else
        {
            _lastBypass = 0;
        }

        _judged = 0;
        _missed = 0;
        _missedLarge = 0;
    }
}
