namespace FastIova;

/// <summary>Objects of one ioas that are used again: a map and its unmap allocate nothing.</summary>
/// <remarks>Threads: under the lock of the ioas.</remarks>
internal sealed class Spares
{
    // Enough for what comes and goes; what was mapped for long is left to the collector.
    private const int Most = 64;

    private readonly Pages[] _pages = new Pages[Most];
    private readonly Area[] _areas = new Area[Most];
    private int _pagesCount;
    private int _areasCount;

    internal Pages TakePages(PinOwner owner, PageSource source, ulong start, bool writable) =>
        Pages.Of(owner, source, start, writable, _pagesCount == 0 ? null : _pages[--_pagesCount]);

    /// <summary>Ends a reference to pages, and keeps the object if it was the last.</summary>
    internal void End(Pages pages)
    {
        if (!pages.TryEnd())
        {
            return;
        }

        if (_pagesCount < Most)
        {
            _pages[_pagesCount++] = pages;
        }
        else
        {
            pages.Discard();
        }
    }

    internal Area TakeArea() => _areasCount == 0 ? new Area() : _areas[--_areasCount];

    /// <summary>Keeps an area that is in no tree any more.</summary>
    internal void Return(Area area)
    {
        area.Forget();
        if (_areasCount < Most)
        {
            _areas[_areasCount++] = area;
        }
    }

    /// <summary>Gives up what is kept.</summary>
    internal void Discard()
    {
        while (_pagesCount != 0)
        {
            _pages[--_pagesCount].Discard();
        }
    }
}
