namespace FastIova;

/// <summary>The iovas that a container of type 1 lets programs map: what every domain can translate, less what some device cannot use.</summary>
/// <remarks>
/// A value that is never changed. The list is widened only when a domain goes, as in Linux: a region at an end of it, reserved for a
/// device that has left, stays out until then.
/// </remarks>
internal sealed record IovaWindow(IReadOnlyList<IovaSpan> Spans)
{
    /// <summary>Nothing is known yet: everything may be mapped.</summary>
    internal static IovaWindow Unbound { get; } = new([]);

    /// <summary>Whether a mapping may lie there.</summary>
    internal bool Allows(IovaSpan span) => Spans.Count == 0 || Spans.Any(one => span.First >= one.First && span.Last <= one.Last);

    /// <summary>Whether an aperture has nothing in common with the list, or leaves out what is mapped.</summary>
    /// <param name="aperture">What one more domain can translate.</param>
    /// <param name="isMapped">Whether something is mapped in a span.</param>
    internal bool ConflictsWith(IovaSpan aperture, Func<IovaSpan, bool> isMapped)
    {
        if (Spans.Count == 0)
        {
            return false;
        }

        ulong first = Spans[0].First;
        ulong last = Spans[^1].Last;
        return aperture.First > last || aperture.Last < first
            || (aperture.First > first && isMapped(new IovaSpan(first, aperture.First - 1)))
            || (aperture.Last < last && isMapped(new IovaSpan(aperture.Last + 1, last)));
    }

    /// <summary>The list cut to an aperture, with which it has something in common; the aperture itself when there is no list.</summary>
    internal IovaWindow CutTo(IovaSpan aperture)
    {
        if (Spans.Count == 0)
        {
            return new IovaWindow([aperture]);
        }

        List<IovaSpan> rest = [];
        foreach (IovaSpan one in Spans)
        {
            ulong first = Math.Max(one.First, aperture.First);
            ulong last = Math.Min(one.Last, aperture.Last);
            if (first <= last)
            {
                rest.Add(new IovaSpan(first, last));
            }
        }

        return new IovaWindow(rest);
    }

    /// <summary>The list without some spans; empty when nothing is left.</summary>
    internal IovaWindow Without(IEnumerable<IovaSpan> reserved)
    {
        List<IovaSpan> rest = [.. Spans];
        foreach (IovaSpan region in reserved)
        {
            List<IovaSpan> next = [];
            foreach (IovaSpan one in rest)
            {
                if (region.First > one.Last || region.Last < one.First)
                {
                    next.Add(one);
                    continue;
                }

                if (region.First > one.First)
                {
                    next.Add(new IovaSpan(one.First, region.First - 1));
                }

                if (region.Last < one.Last)
                {
                    next.Add(new IovaSpan(region.Last + 1, one.Last));
                }
            }

            rest = next;
        }

        return new IovaWindow(rest);
    }

    /// <summary>The list after a group has left.</summary>
    /// <param name="aperture">What the domains that are left can all translate, when a domain has gone; null when none has.</param>
    /// <param name="reserved">What the devices that are left cannot use.</param>
    internal IovaWindow Refreshed(IovaSpan? aperture, IEnumerable<IovaSpan> reserved)
    {
        if (Spans.Count == 0)
        {
            return this;
        }

        IovaWindow next = new IovaWindow([aperture ?? new IovaSpan(Spans[0].First, Spans[^1].Last)]).Without(reserved);
        return next.Spans.Count == 0 ? this : next;
    }
}
