namespace FastIova;

/// <content>Areas and domains: pin, map, and the way back (I2, I4).</content>
internal sealed partial class Ioas
{
    // Spans on the stack of one step of an unmap: each step is one grace period.
    private const int SpansAtOnce = 64;

    /// <summary>Fills the domains with an area whose frames are known, under the lock.</summary>
    /// <returns>False when it is not that easy; nothing has changed then.</returns>
    private bool TryFillNow(Area area, out IoasStatus status)
    {
        Pages pages = area.Pages;
        pages.Enter();
        bool done = pages.TryHoldNow(area.FirstPage, area.LastPage, out PinStatus pinned);
        status = StatusOf(pinned);
        if (done && status == IoasStatus.Success)
        {
            foreach (Domain domain in _domains)
            {
                status = MapRuns(area, domain);
                if (status != IoasStatus.Success)
                {
                    break;
                }
            }

            area.IsHeld = true;
        }

        pages.Exit();
        if (area.IsHeld && status != IoasStatus.Success)
        {
            Unfill(area, end: null, _domains, release: true);
        }

        return done;
    }

    /// <summary>Pins the pages of an area and maps them in domains; all or nothing. Without the lock: the thread is underway or alone.</summary>
    private IoasStatus Fill(Area area, ReadOnlySpan<Domain> domains)
    {
        bool holds = !area.IsHeld;
        Pages pages = area.Pages;
        pages.Enter();
        IoasStatus status = holds ? StatusOf(pages.Hold(area.FirstPage, area.LastPage)) : IoasStatus.Success;
        if (status != IoasStatus.Success)
        {
            pages.Exit();
            return status;
        }

        int filled = 0;
        while (filled < domains.Length && status == IoasStatus.Success)
        {
            status = MapRuns(area, domains[filled++]);
        }

        pages.Exit();
        if (status == IoasStatus.Success)
        {
            area.IsHeld = true;
            return status;
        }

        // Devices may have used what was mapped for a moment.
        IovaSpan span = area.Span;
        UnmapOrder.Unmap(domains[..filled], new ReadOnlySpan<IovaSpan>(in span));
        if (holds)
        {
            pages.Enter();
            pages.Release(area.FirstPage, area.LastPage);
            pages.Exit();
        }

        return status;
    }

    private IoasStatus FillAll(Area first)
    {
        for (Area? area = first; area is not null; area = area.Next)
        {
            IoasStatus status = Fill(area, _domains);
            if (status != IoasStatus.Success)
            {
                Unfill(first, area, _domains, release: true);
                return status;
            }
        }

        return IoasStatus.Success;
    }

    /// <summary>Maps the frames of an area. The lock of its pages is held, and they are.</summary>
    private IoasStatus MapRuns(Area area, Domain domain)
    {
        if (area.Pages.IsRevoked)
        {
            return IoasStatus.Success;
        }

        if (domain.Options.AnswersUserAddresses)
        {
            return MapUserAddresses(area, domain);
        }

        ulong iova = area.First;
        ulong page = area.FirstPage;
        ulong last = area.LastPage;
        ulong offset = area.PageOffset;
        while (true)
        {
            FrameRun run = area.Pages.RunAt(page, last);
            ulong runLast = iova + ((run.Pages << Frame.PageLg2) - offset - 1);
            bool ends = run.FirstPage + run.Pages > last;
            MapStatus status = domain.MapFrames(new IovaSpan(iova, ends ? area.Last : runLast), run.First, offset, area.Permission, !_noLargePages);
            if (status != MapStatus.Success || ends)
            {
                return StatusOf(status);
            }

            iova = runLast + 1;
            page += run.Pages;
            offset = 0;
        }
    }

    private IoasStatus MapUserAddresses(Area area, Domain domain)
    {
        if (area.Pages.Kind != PagesKind.Memory)
        {
            return IoasStatus.Success; // it has no address
        }

        var first = new Frame(area.Pages.UserAddress + (area.FirstPage << Frame.PageLg2));
        return StatusOf(domain.MapFrames(area.Span, first, area.PageOffset, area.Permission, !_noLargePages));
    }

    private static IoasStatus StatusOf(MapStatus status) => status switch
    {
        MapStatus.Success => IoasStatus.Success,
        MapStatus.OutOfMemory => IoasStatus.OutOfMemory,
        MapStatus.Overlap => IoasStatus.AlreadyMapped, // mapped behind the back of the ioas
        _ => IoasStatus.Invalid,
    };

    /// <summary>
    /// Takes a list of areas out of domains and then gives their pins back. Without the lock: the thread is underway or alone.
    /// Never fails, never allocates.
    /// </summary>
    /// <param name="first">The first area of the list.</param>
    /// <param name="end">The area before which the list ends; null for all.</param>
    /// <param name="domains">The domains.</param>
    /// <param name="release">Whether no other domain keeps the pages.</param>
    private static void Unfill(Area first, Area? end, ReadOnlySpan<Domain> domains, bool release)
    {
        Span<IovaSpan> spans = stackalloc IovaSpan[SpansAtOnce];
        Area? area = first;
        while (area != end)
        {
            Area? from = area;
            int count = 0;
            for (; area != end && count < spans.Length; area = area!.Next)
            {
                if (area!.IsHeld)
                {
                    spans[count++] = area.Span;
                }
            }

            if (count == 0)
            {
                continue;
            }

            UnmapOrder.Unmap(domains, spans[..count]);
            for (; release && from != area; from = from!.Next)
            {
                GiveBack(from!);
            }
        }
    }

    private static void GiveBack(Area area)
    {
        if (area.IsHeld)
        {
            area.IsHeld = false;
            area.Pages.Enter();
            area.Pages.Release(area.FirstPage, area.LastPage);
            area.Pages.Exit();
        }
    }
}
