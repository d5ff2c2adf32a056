namespace FastIova.Litmus;

/// <summary>Unmaps many sites with one grace period, as lists of single pages or of whole sites.</summary>
internal sealed class BatchWriter(World world, Tally tally, Random random, Site[] sites) : SiteWriter(world, tally, random, sites)
{
    private readonly IovaSpan[] _spans = new IovaSpan[sites.Length * Site.Points];

    internal override void Turn()
    {
        MapAll();
        Site[] chosen = [.. Sites.Skip(Random.Next(Sites.Length - 1))];
        int count = Random.Next(2) == 0 ? ListSites(chosen) : ListPages(chosen);
        foreach (Site site in chosen)
        {
            site.BeUnsteady();
        }

        if (TryUnmap(chosen[0].Domain, _spans.AsSpan(0, count)))
        {
            foreach (Site site in chosen)
            {
                End(site, site.Begun);
            }

            Tally.Add(Count.BatchedUnmaps);
            Tally.Add(Count.SpansUnmapped, count);
            if (Random.Next(4) != 0)
            {
                MapAll();
            }
        }
    }

    private void MapAll()
    {
        foreach (Site site in Sites)
        {
            if (!site.IsMapped)
            {
                Map(site);
            }
        }
    }

    private int ListSites(Site[] chosen)
    {
        for (int i = 0; i < chosen.Length; i++)
        {
            _spans[i] = chosen[i].Span;
        }

        return chosen.Length;
    }

    // Neighbours never follow one another, so that the list is told to the ports page by page.
    private int ListPages(Site[] chosen)
    {
        int count = 0;
        for (int point = 0; point < Site.Points; point++)
        {
            foreach (Site site in chosen)
            {
                _spans[count++] = IovaSpan.Of(site.PointIova(point), HostBlocks.PageBytes);
            }
        }

        return count;
    }
}
