namespace FastIova;

/// <content>Domains come and go, and with them alignment and aperture.</content>
internal sealed partial class Ioas
{
    /// <summary>Adds a domain, in which everything is then mapped: all or nothing.</summary>
    /// <param name="domain">Nothing is mapped in it where the ioas maps.</param>
    internal IoasStatus AddDomain(Domain domain)
    {
        // It cannot be disposed before it is removed.
        domain.Hold();
        EnterAlone();
        IoasStatus status = AddDomainAlone(domain);
        ExitAlone();
        if (status != IoasStatus.Success)
        {
            domain.LetGo();
        }

        return status;
    }

    /// <summary>Takes a domain away: nothing of the ioas is mapped in it any more, and what only it needed is not pinned any more. Never fails.</summary>
    internal void RemoveDomain(Domain domain)
    {
        EnterAlone();
        int index = Array.IndexOf(_domains, domain);
        if (index >= 0)
        {
            // The last one takes its place, as others count on the order.
            Domain[] rest = _domains.AsSpan(..^1).ToArray();
            if (index < rest.Length)
            {
                rest[index] = _domains[^1];
            }

            _domains = rest;
            UnfillAll(domain, end: null, release: rest.Length == 0);
            UnreserveLocked(domain);
            _ = TryAlign();
            domain.LetGo();
        }

        ExitAlone();
    }

    private static ulong GranuleOf(Domain domain) => 1UL << (int)domain.Options.Granule;

    private IoasStatus AddDomainAlone(Domain domain)
    {
        if (_domains.Contains(domain))
        {
            return IoasStatus.AlreadyMapped;
        }

        ulong alignment = Math.Max(GranuleOf(domain), _alignment);
        if (alignment > Frame.PageBytes)
        {
            return IoasStatus.Invalid;
        }

        if (alignment != _alignment && !AreAllAligned(alignment))
        {
            return IoasStatus.AddressInUse;
        }

        IoasStatus status = ReserveOutside(domain);
        if (status == IoasStatus.Success && FaultPoint.Fails())
        {
            status = IoasStatus.OutOfMemory;
        }

        if (status == IoasStatus.Success)
        {
            status = FillDomain(domain);
        }

        if (status == IoasStatus.Success)
        {
            Volatile.Write(ref _alignment, alignment);
            _domains = [.. _domains, domain];
        }
        else
        {
            UnreserveLocked(domain);
        }

        return status;
    }

    private IoasStatus ReserveOutside(Domain domain)
    {
        IovaSpan aperture = domain.Options.Aperture;
        IoasStatus status = aperture.First == 0 ? IoasStatus.Success : ReserveLocked(new IovaSpan(0, aperture.First - 1), domain);
        return status != IoasStatus.Success || aperture.Last == ulong.MaxValue
            ? status
            : ReserveLocked(new IovaSpan(aperture.Last + 1, ulong.MaxValue), domain);
    }

    private IoasStatus FillDomain(Domain domain)
    {
        for (Area? area = _areas.FirstOfAll(); area is not null; area = _areas.After(area.Last))
        {
            IoasStatus status = Fill(area, [domain]);
            if (status != IoasStatus.Success)
            {
                UnfillAll(domain, end: area, release: _domains.Length == 0);
                return status;
            }
        }

        return IoasStatus.Success;
    }

    /// <summary>Takes all areas up to one out of a domain. The thread is alone, so that every area is live.</summary>
    private void UnfillAll(Domain domain, Area? end, bool release)
    {
        Area? area = _areas.FirstOfAll();
        while (area != end)
        {
            // A list of some, through the links that nobody else uses meanwhile.
            Area? first = area;
            Area? tail = null;
            for (int count = 0; area != end && count < SpansAtOnce; count++)
            {
                tail = tail is null ? area : tail.Next = area;
                area = _areas.After(area!.Last);
            }

            Unfill(first!, end: null, [domain], release);
            Area? next;
            for (; first is not null; first = next)
            {
                next = first.Next;
                first.Next = null;
            }
        }
    }

    private bool AreAllAligned(ulong alignment)
    {
        ulong bits = 0;
        for (Area? area = _areas.FirstOfAll(); area is not null; area = _areas.After(area.Last))
        {
            bits |= area.First | (area.LengthLessOne + 1) | area.PageOffset;
        }

        return (bits & (alignment - 1)) == 0;
    }

    /// <summary>Finds the alignment anew. The lock is held, and nobody is underway.</summary>
    /// <returns>False when existing areas break it; nothing is changed then.</returns>
    private bool TryAlign()
    {
        ulong alignment = _noLargePages ? Frame.PageBytes : 1;
        foreach (Domain domain in _domains)
        {
            alignment = Math.Max(alignment, GranuleOf(domain));
        }

        foreach (IoasAccess access in _accesses)
        {
            alignment = Math.Max(alignment, access.Alignment);
        }

        if (alignment > _alignment && !AreAllAligned(alignment))
        {
            return false;
        }

        Volatile.Write(ref _alignment, alignment);
        return true;
    }
}
