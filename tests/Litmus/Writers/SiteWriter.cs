namespace FastIova.Litmus;

/// <summary>Maps, narrows, splits, unmaps and maps again, and spoils the memory behind each mapping as soon as its unmap has returned.</summary>
internal class SiteWriter(World world, Tally tally, Random random, Site[] sites) : Actor(world, tally, random)
{
    protected Site[] Sites { get; } = sites;

    internal override void Turn()
    {
        Site site = Sites[Random.Next(Sites.Length)];
        if (!site.IsMapped)
        {
            Map(site);
            return;
        }

        switch (Random.Next(8))
        {
            case 0:
                Narrow(site);
                break;
            case 1 when site.Bytes > (1 << 20):
                UnmapOnePoint(site);
                break;
            default:
                break;
        }

        site.BeUnsteady();
        if (TryUnmap(site.Domain, [site.Span]))
        {
            Tally.Add(Count.Unmaps);
            End(site, site.Begun);
            if (Random.Next(4) != 0)
            {
                Map(site);
            }
        }
    }

    /// <summary>Maps a site to its next memory.</summary>
    protected void Map(Site site)
    {
        Permission permission = Random.Next(8) == 0 ? Permission.Read : Permission.ReadWrite;
        Prepare(site, reversed: false, permission);
        MapStatus status = site.TryMap(permission);
        site.IsMapped = true;
        if (status == MapStatus.Success)
        {
            Tally.Add(site.Bytes >= 1UL << 30 ? Count.Maps1G : site.Bytes >= 2UL << 20 ? Count.Maps2M : Count.Maps4K);
            if (permission == Permission.ReadWrite)
            {
                site.BeSteady();
            }
        }
        else if (World.Flaw != Flaw.SkipClear)
        {
            World.Accuse($"Mapping site {site.Number} again was refused: {status}");
        }
    }

    protected void Prepare(Site site, bool reversed, Permission permission)
    {
        if (!site.TryPrepare(reversed, permission == Permission.ReadWrite))
        {
            World.Accuse($"Memory of site {site.Number}, 0x{site.Bytes:x} bytes at IOVA 0x{site.Iova:x}, was written after its unmap had returned");
        }
    }

    /// <summary>Unmaps and waits, as the race wants it done.</summary>
    protected bool TryUnmap(Domain domain, ReadOnlySpan<IovaSpan> spans)
    {
        MapStatus status = World.Writes.TryUnmap(domain, spans);
        if (status != MapStatus.Success)
        {
            World.Accuse($"An unmap of {spans.Length} ranges from {spans[0]} was refused: {status}");
        }

        return status == MapStatus.Success;
    }

    /// <summary>A mapping is gone: what was its memory must be nobody's.</summary>
    protected void End(Site site, ulong generation)
    {
        // A duel asks the system for nothing, so that it has ten times the unmaps.
        Retirement how = World.Cast == Cast.Duel ? Retirement.Poisoned : (Retirement)Random.Next((int)Retirement.Inaccessible, (int)Retirement.Discarded + 1);
        site.End(generation, how);
        site.IsMapped = generation != site.Begun;
        Tally.Add(how switch
        {
            Retirement.Inaccessible => Count.MadeInaccessible,
            Retirement.Poisoned => Count.Poisoned,
            _ => Count.Discarded,
        });
    }

    private void Narrow(Site site)
    {
        site.BeUnsteady();
        MapStatus status = World.Writes.TryProtect(site.Domain, site.Span, Permission.Read);
        site.Freeze(guard: Random.Next(2) == 0);
        if (Random.Next(2) == 0)
        {
            // On a busy machine a reader seldom runs just now: with the processor it meets the narrowed site all the same.
            _ = Thread.Yield();
        }

        if (status == MapStatus.Success && Random.Next(2) == 0)
        {
            site.Thaw();
            status = site.Domain.TryProtect(site.Iova, site.Bytes, Permission.ReadWrite, out _);
            site.BeSteady();
        }

        if (status != MapStatus.Success)
        {
            World.Accuse($"A change of permission of site {site.Number} was refused: {status}");
        }

        Tally.Add(Count.Protects);
    }

    // Splits a large page: one page of 4 KiB goes, its neighbours stay and must be found all the while.
    private void UnmapOnePoint(Site site)
    {
        int point = Random.Next(Site.Points);
        site.BeUnsteady(point);
        if (TryUnmap(site.Domain, [IovaSpan.Of(site.PointIova(point), HostBlocks.PageBytes)]))
        {
            site.EndPoint(point);
            Tally.Add(Count.PartialUnmaps);
        }
    }
}
