using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>Decides from misses how batches are translated: through the cache of small pages, through that of large ones, or straight from the table.</summary>
/// <remarks>Threads: the port's.</remarks>
internal struct CacheJudge
{
    // The cache is worth its probes while at most one in 32 misses, judged over this many look-ups: a miss costs as much as
    // ten walks of a table that lies near, and again when it is invalidated. (With one in eight allowed, a translation of the recorded traffic of NVMe and a network card
    // under virtio-iommu took 4.8 ns for 3.0, Zen 4, 2026-11.)
    private const int JudgedLookups = 256;
    private const int MissesAllowed = JudgedLookups / 32;

    // So many look-ups fill an empty cache before its misses say anything about its worth.
    private const int WarmingLookups = 768;

    // After a bad judgement so many look-ups go straight to the table, then twice as many, up to the last.
    private const int ShortestBypass = 1024;
    private const int LongestBypass = 262_144;

    private int _judged;
    private int _missed;
    private int _missedLarge;
    private int _bypass;
    private int _lastBypass;

    public CacheJudge() => _judged = -WarmingLookups;

    /// <summary>Whether the cache of large pages is asked, and not that of small ones.</summary>
    internal bool LargeFirst { get; private set; }

    /// <summary>Whether the cache is left alone for now.</summary>
    internal readonly bool Bypasses => _bypass > 0;

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
        // Those of the look-ups before the count, which began below zero, has come to it, only fill.
        if (_judged > 0)
        {
            _missed += missed;
            _missedLarge += large;
        }
    }

    /// <summary>Counts look-ups that go through the cache now, and judges those before them when there were enough.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Probed(int lookups)
    {
        if (_judged >= JudgedLookups)
        {
            Judge();
        }

        _judged += lookups;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Judge()
    {
        int judged = _judged;
        _judged = 0;
        if ((long)_missed * JudgedLookups > (long)MissesAllowed * judged)
        {
            // Misses on large pages say that the other cache should be asked; misses all over, that none should.
            _judged = -WarmingLookups;
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

        _missed = 0;
        _missedLarge = 0;
    }
}
