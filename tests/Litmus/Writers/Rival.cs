namespace FastIova.Litmus;

/// <summary>A second writer on its own thread, which maps a site the moment its old mapping has left the table.</summary>
internal sealed class Rival(World world, Tally tally) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _asked = new(0);
    private readonly SemaphoreSlim _answered = new(0);
    private Site? _site;
    private bool _unmapped;

    /// <summary>Asks it to map what the site has made ready.</summary>
    internal void Begin(Site site)
    {
        Volatile.Write(ref _unmapped, false);
        _site = site;
        _ = _asked.Release();
    }

    /// <summary>Waits until it has, or the race is over.</summary>
    internal void Finish()
    {
        Volatile.Write(ref _unmapped, true);
        while (!_answered.Wait(Patience) && !world.IsOver)
        {
        }
    }

    /// <summary>The body of its thread.</summary>
    internal void Run()
    {
        while (!world.IsOver)
        {
            if (_asked.Wait(Patience))
            {
                Map(_site!);
                _ = _answered.Release();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _asked.Dispose();
        _answered.Dispose();
    }

    private void Map(Site site)
    {
        while (!world.IsOver)
        {
            bool unmapped = Volatile.Read(ref _unmapped);
            MapStatus status = site.TryMap(Permission.ReadWrite);
            if (status == MapStatus.Success)
            {
                tally.Add(Count.MapsDuringUnmap, unmapped ? 0 : 1);
                return;
            }

            if (status != MapStatus.Overlap || (unmapped && world.Flaw != Flaw.SkipClear))
            {
                world.Accuse($"The rival's map of site {site.Number} was refused: {status}");
            }
        }
    }
}
