using System.Runtime.InteropServices;

namespace FastIova.Tests.TestKit;

/// <summary>A page as the model has it: a granule or a large page; a huge page is a row of large ones that bear the mark.</summary>
internal record struct ModelPage(ulong First, int Lg2, ulong Host, Permission Permission, bool Dirty, bool Huge)
{
    internal readonly ulong Last => First + ((1UL << Lg2) - 1);
}

/// <summary>What a page table must answer, kept as a sorted list of pages: slow, plain, and written apart from the tables.</summary>
internal sealed class PageModel(IovaSpan aperture, int granuleLg2, int largeLg2, int hugeLg2)
{
    private readonly List<ModelPage> _pages = [];

    internal IReadOnlyList<ModelPage> Pages => _pages;

    internal ulong MappedBytes => _pages.Aggregate(0UL, (sum, page) => sum + (1UL << page.Lg2));

    private ulong GranuleMask => (1UL << granuleLg2) - 1;

    internal bool TryFind(ulong iova, out ModelPage page)
    {
        int index = IndexFrom(iova);
        bool found = index < _pages.Count && _pages[index].First <= iova;
        page = found ? _pages[index] : default;
        return found;
    }

    internal int PageLg2(in ModelPage page) => page.Huge ? hugeLg2 : page.Lg2;

    /// <summary>The host address that an access gets, or why it gets none.</summary>
    internal FaultReason Access(ulong iova, Permission access, out ulong host)
    {
        host = 0;
        if (!aperture.Contains(iova))
        {
            return FaultReason.OutsideAperture;
        }

        if (!TryFind(iova, out ModelPage page))
        {
            return FaultReason.NotMapped;
        }

        if ((page.Permission & access) != access)
        {
            return FaultReason.PermissionDenied;
        }

        host = page.Host + (iova - page.First);
        return FaultReason.None;
    }

    internal MapStatus Map(IovaSpan span, ulong host, Permission permission)
    {
        MapStatus status = Check(span, host, permission);
        if (status != MapStatus.Success)
        {
            return status;
        }

        int index = IndexFrom(span.First);
        if (index < _pages.Count && _pages[index].First <= span.Last)
        {
            return MapStatus.Overlap;
        }

        var added = new List<ModelPage>();
        for (UInt128 at = span.First; at <= span.Last;)
        {
            ulong iova = (ulong)at;
            ulong target = host + (iova - span.First);
            int lg2 = Fits(hugeLg2) ? hugeLg2 : Fits(largeLg2) ? largeLg2 : granuleLg2;
            int partLg2 = Math.Min(lg2, largeLg2);
            for (ulong part = 0; part < 1UL << (lg2 - partLg2); part++)
            {
                added.Add(new ModelPage(iova + (part << partLg2), partLg2, target + (part << partLg2), permission, Dirty: false, lg2 == hugeLg2));
            }

            at += (UInt128)1 << lg2;

            bool Fits(int wantedLg2)
            {
                ulong mask = (1UL << wantedLg2) - 1;
                return ((iova | target) & mask) == 0 && span.Last - iova >= mask;
            }
        }

        _pages.InsertRange(index, added);
        return MapStatus.Success;
    }

    internal MapStatus MapScattered(ReadOnlySpan<ulong> iovas, ReadOnlySpan<ulong> hosts, Permission permission)
    {
        int before = _pages.Count;
        ModelPage[] saved = [.. _pages];
        for (int i = 0; i < iovas.Length; i++)
        {
            MapStatus status = Map(new IovaSpan(iovas[i], iovas[i] + GranuleMask), hosts[i], permission);
            if (status != MapStatus.Success)
            {
                _pages.Clear();
                _pages.AddRange(saved);
                return status;
            }
        }

        return _pages.Count == before + iovas.Length ? MapStatus.Success : throw new InvalidOperationException("The model is wrong.");
    }

    internal MapStatus Unmap(IovaSpan span, out ulong bytes)
    {
        bytes = 0;
        MapStatus status = Check(span);
        if (status == MapStatus.Success)
        {
            (int first, int count) = Isolate(span);
            for (int i = first; i < first + count; i++)
            {
                bytes += 1UL << _pages[i].Lg2;
            }

            _pages.RemoveRange(first, count);
        }

        return status;
    }

    internal MapStatus Protect(IovaSpan span, Permission permission, out ulong bytes)
    {
        bytes = 0;
        MapStatus status = permission is Permission.None or > Permission.ReadWrite ? MapStatus.BadPermission : Check(span);
        if (status == MapStatus.Success)
        {
            (int first, int count) = Isolate(span);
            foreach (ref ModelPage page in CollectionsMarshal.AsSpan(_pages).Slice(first, count))
            {
                page.Permission = permission;
                bytes += 1UL << page.Lg2;
            }
        }

        return status;
    }

    internal void MarkDirty(ulong iova) => CollectionsMarshal.AsSpan(_pages)[IndexFrom(iova)].Dirty = true;

    /// <summary>The granules of a span that are dirty, and their marks taken away.</summary>
    internal List<ulong> TakeDirty(IovaSpan span, bool clear)
    {
        if (clear)
        {
            // A dirty page across an end is split, so that what lies outside stays dirty.
            SplitDirty(span.First);
            if (span.Last != ulong.MaxValue)
            {
                SplitDirty(span.Last + 1);
            }
        }

        var dirty = new List<ulong>();
        for (int i = IndexFrom(span.First); i < _pages.Count && _pages[i].First <= span.Last; i++)
        {
            ref ModelPage page = ref CollectionsMarshal.AsSpan(_pages)[i];
            if (!page.Dirty)
            {
                continue;
            }

            for (ulong at = Math.Max(page.First, span.First & ~GranuleMask); at <= Math.Min(page.Last, span.Last); at += GranuleMask + 1)
            {
                dirty.Add(at);
            }

            page.Dirty = !clear;
        }

        return dirty;

        void SplitDirty(ulong at)
        {
            if (TryFind(at, out ModelPage page) && page.Dirty)
            {
                Split(at);
            }
        }
    }

    private MapStatus Check(IovaSpan span)
    {
        if (((span.First | (span.Last + 1)) & GranuleMask) != 0)
        {
            return MapStatus.Misaligned;
        }

        return span.First >= aperture.First && span.Last <= aperture.Last ? MapStatus.Success : MapStatus.OutsideAperture;
    }

    private MapStatus Check(IovaSpan span, ulong host, Permission permission) =>
        permission is Permission.None or > Permission.ReadWrite ? MapStatus.BadPermission
        : (host & GranuleMask) != 0 ? MapStatus.Misaligned
        : (UInt128)host + span.LengthLessOne > ulong.MaxValue ? MapStatus.Wraps
        : host == 0 ? MapStatus.HostNotMapped
        : Check(span);

    /// <summary>Splits what lies across the ends, and takes the mark off huge pages that are not covered whole.</summary>
    private (int First, int Count) Isolate(IovaSpan span)
    {
        Split(span.First);
        if (span.Last != ulong.MaxValue)
        {
            Split(span.Last + 1);
        }

        int first = IndexFrom(span.First);
        int end = first;
        for (; end < _pages.Count && _pages[end].First <= span.Last; end++)
        {
            ulong mask = (1UL << hugeLg2) - 1;
            if (_pages[end].Huge && ((_pages[end].First & ~mask) < span.First || (_pages[end].First | mask) > span.Last))
            {
                Demote(_pages[end].First);
            }
        }

        return (first, end - first);
    }

    private void Split(ulong at)
    {
        if (!TryFind(at, out ModelPage page) || page.First == at || page.Lg2 == granuleLg2)
        {
            return;
        }

        Demote(page.First);
        int index = IndexFrom(at);
        var parts = new List<ModelPage>();
        for (ulong offset = 0; offset < 1UL << page.Lg2; offset += GranuleMask + 1)
        {
            parts.Add(page with { First = page.First + offset, Host = page.Host + offset, Lg2 = granuleLg2, Huge = false });
        }

        _pages.RemoveAt(index);
        _pages.InsertRange(index, parts);
    }

    private void Demote(ulong at)
    {
        if (!TryFind(at, out ModelPage page) || !page.Huge)
        {
            return;
        }

        ulong mask = (1UL << hugeLg2) - 1;
        for (int i = IndexFrom(at & ~mask); i < _pages.Count && _pages[i].First <= (at | mask); i++)
        {
            CollectionsMarshal.AsSpan(_pages)[i].Huge = false;
        }
    }

    /// <summary>The first page that ends at or after an address.</summary>
    private int IndexFrom(ulong iova)
    {
        int low = 0;
        int high = _pages.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_pages[middle].Last < iova)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
