using System.Runtime.CompilerServices;

namespace FastIova.Litmus;

/// <summary>Translates through a port of its own and judges what it finds there.</summary>
internal abstract unsafe class Reader(World world, Tally tally, Random random, DmaPort port) : Actor(world, tally, random)
{
    protected DmaPort Port { get; } = port;

    /// <summary>
    /// Stays in the scope for a while before its translations are used: up to 2 microseconds, which a writer on another
    /// processor needs for an unmap that missed the scope; or for as long as whoever else wants this processor.
    /// </summary>
    protected void Linger()
    {
        const int longestSpin = 64;
        if (Random.Next(16) == 0)
        {
            _ = Thread.Yield();
        }
        else
        {
            Thread.SpinWait(Random.Next(longestSpin));
        }
    }

    /// <summary>Any site; small ones more often, because their translations stay in the cache.</summary>
    protected Site AnySite() => World.Cast != Cast.Duel && Random.Next(3) == 0
        ? World.Sites[Random.Next(World.Sites.Length)]
        : World.Small[Random.Next(World.Small.Length)];

    /// <summary>Translates a point in the scope that is open.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected bool TryTranslate(Site site, int point, Permission access, out nuint host)
    {
        Tally.Add(site.Pasid == Fault.NoPasid ? Count.Translations : Count.LinearTranslations);
        bool good = site.Pasid == Fault.NoPasid
            ? Port.TryTranslate(site.PointIova(point), access, out host)
            : Port.TryTranslate(site.PointIova(point), access, site.Pasid, out host);
        if (!good)
        {
            Tally.Add(Count.Faults);
        }

        return good;
    }

    /// <summary>Reads the stamp behind a translation in the scope in which it was handed out, and accuses when it is not one that holds.</summary>
    protected void Check(Site site, int point, nuint host, string how)
    {
        // SAFETY: none; that this read cannot fail while the scope is open is what is being tried.
        ulong stamp = Volatile.Read(ref *(ulong*)host);
        if (!site.IsLive(point, stamp))
        {
            World.Accuse($"{how} used a translation that is gone at {site.Describe(point, stamp)}");
        }
    }

    /// <summary>Accuses when an access failed although the page was mapped all the time.</summary>
    protected void CheckFault(Site site, int point, ulong steadyBefore, string how)
    {
        if (steadyBefore != 0 && steadyBefore == site.Steady(point))
        {
            World.Accuse($"{how} faulted on a page that was mapped all the time at {site.Describe(point, 0)}");
        }
    }
}
