namespace FastIova.Litmus;

/// <summary>
/// Replaces small pages by a large one over the same IOVAs and back, while a rival maps the successor as soon as the table
/// lets it: the unmap of the predecessor is then still waiting for its readers.
/// </summary>
internal sealed class SwapWriter(World world, Tally tally, Random random, Site swapped, Rival rival) : SiteWriter(world, tally, random, [swapped])
{
    private bool _large;

    internal override void Turn()
    {
        Site site = Sites[0];
        bool first = !site.IsMapped;
        ulong generation = site.Begun;
        site.BeUnsteady();
        Prepare(site, reversed: _large, Permission.ReadWrite);
        _large = !_large;
        rival.Begin(site);
        if (!first && TryUnmap(site.Domain, [site.Span]))
        {
            End(site, generation);
            Tally.Add(Count.Swaps);
            Tally.Add(_large ? Count.Maps2M : Count.Maps4K);
        }

        rival.Finish();
        site.IsMapped = true;
        if (!World.IsOver)
        {
            site.BeSteady();
        }
    }
}
