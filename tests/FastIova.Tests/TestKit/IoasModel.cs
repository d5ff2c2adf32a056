using System.Numerics;

namespace FastIova.Tests.TestKit;

/// <summary>What an ioas must answer, as lists that are searched from end to end: slow, plain, and written apart from the product.</summary>
internal sealed class IoasModel
{
    private readonly List<ModelArea> _areas = [];
    private readonly List<(IovaSpan Span, object Owner)> _reserved = [];
    private readonly List<IovaSpan> _allowed = [];

    internal IReadOnlyList<ModelArea> Areas => _areas;

    internal List<(IovaSpan Aperture, ulong Granule, object Domain)> Domains { get; } = [];

    internal List<ulong> AccessAlignments { get; } = [];

    internal bool NoLargePages { get; private set; }

    internal ulong Alignment { get; private set; } = 1;

    internal bool Maps(ulong iova, out ModelArea area)
    {
        area = _areas.Find(a => a.Span.Contains(iova))!;
        return area is not null;
    }

    internal IoasStatus Map(ModelPages pages, ulong startByte, ulong length, ref ulong iova, Permission permission, bool isFixed) =>
        Map([(pages, startByte, length)], length, ref iova, permission, isFixed);

    internal IoasStatus Copy(IoasModel source, ulong sourceIova, ulong length, ref ulong iova, Permission permission, bool isFixed)
    {
        if (length == 0)
        {
            return IoasStatus.Invalid;
        }

        if (!IovaSpan.TryCreate(sourceIova, length, out IovaSpan span))
        {
            return IoasStatus.Overflow;
        }

        List<(ModelArea Area, IovaSpan Part)> parts = source.Parts(span, out bool complete);
        return complete
            ? Map([.. parts.Select(p => (p.Area.Pages, p.Area.StartByteOf(p.Part.First), p.Part.LengthLessOne + 1))], length, ref iova, permission, isFixed)
            : IoasStatus.NotFound;
    }

    internal IoasStatus Unmap(IovaSpan span, Action<IovaSpan> ask, out ulong unmapped)
    {
        unmapped = 0;
        foreach (ModelArea area in _areas.Where(a => a.Span.Overlaps(span)).OrderBy(a => a.Span.First).ToList())
        {
            if (!span.Contains(area.Span))
            {
                return IoasStatus.NotFound;
            }

            if (area.Accesses != 0)
            {
                area.PreventsAccess = true;
                ask(area.Span);
                if (area.Accesses != 0)
                {
                    return IoasStatus.Deadlock;
                }
            }

            Unhold(area);
            _areas.Remove(area);
            unmapped += area.Span.LengthLessOne + 1;
        }

        return IoasStatus.Success;
    }

    internal IoasStatus Cut(ulong iova)
    {
        if (!Maps(iova, out ModelArea area) || iova == area.Span.First || iova == area.Span.Last)
        {
            return IoasStatus.Success;
        }

        ulong upper = iova + 1;
        if (area.PreventsAccess)
        {
            return IoasStatus.Busy;
        }

        if (((upper | area.StartByteOf(upper)) & (Alignment - 1)) != 0 || area.Accesses != 0 || (Domains.Count != 0 && !NoLargePages))
        {
            return IoasStatus.Invalid;
        }

        Unhold(area);
        _areas.Remove(area);
        foreach (ModelArea part in new[]
        {
            area with { Span = new IovaSpan(area.Span.First, iova) },
            area with { Span = new IovaSpan(upper, area.Span.Last), StartByte = area.StartByteOf(upper) },
        })
        {
            _areas.Add(part);
            if (Domains.Count != 0)
            {
                part.Pages.Add(part, 1);
            }
        }

        return IoasStatus.Success;
    }

    internal IoasStatus SetAllowed(List<IovaSpan> spans)
    {
        if (spans.Exists(a => spans.Exists(b => a != b && a.Overlaps(b))) || spans.Distinct().Count() != spans.Count)
        {
            return IoasStatus.Invalid;
        }

        if (spans.Exists(IsReserved))
        {
            return IoasStatus.AddressInUse;
        }

        _allowed.Clear();
        _allowed.AddRange(spans);
        return IoasStatus.Success;
    }

    internal IoasStatus Reserve(IovaSpan span, object owner)
    {
        if (_areas.Exists(a => a.Span.Overlaps(span)) || _allowed.Exists(a => a.Overlaps(span)))
        {
            return IoasStatus.AddressInUse;
        }

        _reserved.Add((span, owner));
        return IoasStatus.Success;
    }

    internal void Unreserve(object owner) => _reserved.RemoveAll(r => r.Owner == owner);

    internal IoasStatus AddDomain(IovaSpan aperture, ulong granule, object domain)
    {
        ulong alignment = Math.Max(granule, Alignment);
        if (!AreAligned(alignment))
        {
            return IoasStatus.AddressInUse;
        }

        if ((aperture.First != 0 && Reserve(new IovaSpan(0, aperture.First - 1), domain) != IoasStatus.Success)
            || (aperture.Last != ulong.MaxValue && Reserve(new IovaSpan(aperture.Last + 1, ulong.MaxValue), domain) != IoasStatus.Success))
        {
            Unreserve(domain);
            return IoasStatus.AddressInUse;
        }

        if (Domains.Count == 0)
        {
            foreach (ModelArea area in _areas.OrderBy(a => a.Span.First).ToList())
            {
                IoasStatus status = area.Pages.TryHold(area);
                if (status != IoasStatus.Success)
                {
                    foreach (ModelArea held in _areas.Where(a => a.Span.First < area.Span.First))
                    {
                        held.Pages.Add(held, -1);
                    }

                    Unreserve(domain);
                    return status;
                }
            }
        }

        Domains.Add((aperture, granule, domain));
        Alignment = alignment;
        return IoasStatus.Success;
    }

    internal void RemoveDomain(object domain)
    {
        Domains.RemoveAll(d => d.Domain == domain);
        if (Domains.Count == 0)
        {
            _areas.ForEach(area => area.Pages.Add(area, -1));
        }

        Unreserve(domain);
        Align();
    }

    internal IoasStatus AddAccess(ulong alignment)
    {
        AccessAlignments.Add(alignment);
        if (Align())
        {
            return IoasStatus.Success;
        }

        AccessAlignments.RemoveAt(AccessAlignments.Count - 1);
        return IoasStatus.AddressInUse;
    }

    internal void RemoveAccess(ulong alignment)
    {
        AccessAlignments.Remove(alignment);
        Align();
    }

    internal IoasStatus DisableLargePages()
    {
        if (NoLargePages)
        {
            return IoasStatus.Success;
        }

        if (Domains.Count != 0 && _areas.Count != 0)
        {
            return IoasStatus.Invalid;
        }

        NoLargePages = true;
        NoLargePages = Align();
        return NoLargePages ? IoasStatus.Success : IoasStatus.AddressInUse;
    }

    internal void EnableLargePages()
    {
        NoLargePages = false;
        Align();
    }

    internal IoasStatus Pin(IovaSpan span, bool write, List<(ModelPages Pages, ulong Page)> frames)
    {
        var pinned = new List<(ModelArea Area, IovaSpan Part)>();
        List<(ModelArea Area, IovaSpan Part)> parts = Parts(span, out bool complete);
        IoasStatus status = IoasStatus.Success;
        foreach ((ModelArea area, IovaSpan part) in parts)
        {
            bool isLast = part.Last == span.Last;
            status = area.PreventsAccess || area.StartByteOf(part.First) % 4096 != 0 || (!isLast && area.StartByteOf(part.Last) % 4096 != 4095) ? IoasStatus.Invalid
                : (area.Permission & (write ? Permission.Write : Permission.Read)) == Permission.None || (write && !area.Pages.IsWritable) ? IoasStatus.NotPermitted
                : area.Pages.TryHold(area with { Span = part, StartByte = area.StartByteOf(part.First) });
            if (status != IoasStatus.Success)
            {
                break;
            }

            pinned.Add((area, part));
            area.Accesses++;
            for (ulong page = area.StartByteOf(part.First) >> 12; page <= area.StartByteOf(part.Last) >> 12; page++)
            {
                frames.Add((area.Pages, page));
            }
        }

        status = status == IoasStatus.Success && !complete ? IoasStatus.NotFound : status;
        if (status != IoasStatus.Success)
        {
            pinned.ForEach(p => Unpin(p.Area, p.Part));
        }

        return status;
    }

    internal void Unpin(IovaSpan span) => Parts(span, out _).ForEach(p => Unpin(p.Area, p.Part));

    internal List<IovaSpan> Ranges()
    {
        var ranges = new List<IovaSpan>();
        UInt128 at = 0;
        foreach ((IovaSpan span, object _) in _reserved.OrderBy(r => r.Span.First))
        {
            if (span.First > at)
            {
                ranges.Add(new IovaSpan((ulong)at, span.First - 1));
            }

            at = UInt128.Max(at, (UInt128)span.Last + 1);
        }

        if (at <= ulong.MaxValue)
        {
            ranges.Add(new IovaSpan((ulong)at, ulong.MaxValue));
        }

        return ranges;
    }

    private static void Unpin(ModelArea area, IovaSpan part)
    {
        area.Accesses--;
        area.Pages.Add(area with { Span = part, StartByte = area.StartByteOf(part.First) }, -1);
    }

    private List<(ModelArea Area, IovaSpan Part)> Parts(IovaSpan span, out bool complete)
    {
        var parts = new List<(ModelArea Area, IovaSpan Part)>();
        ulong at = span.First;
        while (Maps(at, out ModelArea area))
        {
            parts.Add((area, new IovaSpan(at, Math.Min(area.Span.Last, span.Last))));
            if (area.Span.Last >= span.Last)
            {
                complete = true;
                return parts;
            }

            at = area.Span.Last + 1;
        }

        complete = false;
        return parts;
    }

    private IoasStatus Map(List<(ModelPages Pages, ulong StartByte, ulong Length)> slices, ulong length, ref ulong iova, Permission permission, bool isFixed)
    {
        if ((length & (Alignment - 1)) != 0)
        {
            return IoasStatus.Invalid;
        }

        IoasStatus status = isFixed ? Check(iova, length) : Allocate(slices[0].Pages.UserAddress + slices[0].StartByte, length, out iova);
        if (status != IoasStatus.Success)
        {
            return status;
        }

        ulong at = iova;
        var added = new List<ModelArea>();
        foreach ((ModelPages pages, ulong startByte, ulong bytes) in slices)
        {
            if ((permission & Permission.Write) != Permission.None && !pages.IsWritable)
            {
                return IoasStatus.NotPermitted;
            }

            if ((startByte & 4095 & (Alignment - 1)) != 0)
            {
                return IoasStatus.Invalid;
            }

            added.Add(new ModelArea(IovaSpan.Of(at, bytes), pages, startByte, permission));
            at += bytes;
        }

        for (int i = 0; i < added.Count && Domains.Count != 0; i++)
        {
            status = added[i].Pages.TryHold(added[i]);
            if (status != IoasStatus.Success)
            {
                added[..i].ForEach(a => a.Pages.Add(a, -1));
                return status;
            }
        }

        _areas.AddRange(added);
        return IoasStatus.Success;
    }

    private IoasStatus Check(ulong iova, ulong length) =>
        (iova & (Alignment - 1)) != 0 ? IoasStatus.Invalid
        : !IovaSpan.TryCreate(iova, length, out IovaSpan span) ? IoasStatus.Overflow
        : IsReserved(span) ? IoasStatus.Invalid
        : _areas.Exists(a => a.Span.Overlaps(span)) ? IoasStatus.AlreadyMapped
        : IoasStatus.Success;

    private IoasStatus Allocate(ulong userAddress, ulong length, out ulong iova)
    {
        iova = 0;
        if (length is 0 or >= ulong.MaxValue / 2)
        {
            return IoasStatus.Overflow;
        }

        ulong alignment = BitOperations.RoundUpToPowerOf2(length);
        alignment = userAddress == 0 ? alignment : Math.Min(alignment, 1UL << BitOperations.TrailingZeroCount(userAddress));
        alignment = Math.Min(alignment, 2UL << 20);
        if (alignment < Alignment)
        {
            return IoasStatus.Invalid;
        }

        List<IovaSpan> allowed = _allowed.Count == 0 ? [new IovaSpan(4096, ulong.MaxValue - 4096)] : Joined(_allowed);
        foreach (IovaSpan window in allowed)
        {
            ulong first = Math.Max(window.First, 4096);
            ulong last = Math.Min(window.Last, ulong.MaxValue - 4096);
            if (first > last || !Place(new IovaSpan(first, last), length, alignment, userAddress % 4096, out ulong start))
            {
                continue;
            }

            foreach (IovaSpan hole in Holes(new IovaSpan(start, last)))
            {
                if (Place(hole, length, alignment, userAddress % 4096, out iova))
                {
                    return IoasStatus.Success;
                }
            }
        }

        return IoasStatus.NoSpace;
    }

    private static bool Place(IovaSpan hole, ulong length, ulong alignment, ulong offset, out ulong iova)
    {
        UInt128 start = ((UInt128)hole.First + alignment - 1) / alignment * alignment;
        iova = (ulong)start | offset;
        return start <= ulong.MaxValue && iova < hole.Last && hole.Last - iova >= length - 1;
    }

    private List<IovaSpan> Holes(IovaSpan within)
    {
        var holes = new List<IovaSpan>();
        UInt128 at = within.First;
        foreach (IovaSpan used in Joined([.. _reserved.Select(r => r.Span), .. _areas.Select(a => a.Span)]).Where(u => u.Overlaps(within)))
        {
            if (used.First > at)
            {
                holes.Add(new IovaSpan((ulong)at, used.First - 1));
            }

            at = (UInt128)used.Last + 1;
        }

        if (at <= within.Last)
        {
            holes.Add(new IovaSpan((ulong)at, within.Last));
        }

        return holes;
    }

    private static List<IovaSpan> Joined(List<IovaSpan> spans)
    {
        var joined = new List<IovaSpan>();
        foreach (IovaSpan span in spans.OrderBy(s => s.First))
        {
            if (joined.Count != 0 && span.First <= (UInt128)joined[^1].Last + 1)
            {
                joined[^1] = new IovaSpan(joined[^1].First, Math.Max(joined[^1].Last, span.Last));
            }
            else
            {
                joined.Add(span);
            }
        }

        return joined;
    }

    private void Unhold(ModelArea area)
    {
        if (Domains.Count != 0)
        {
            area.Pages.Add(area, -1);
        }
    }

    private bool IsReserved(IovaSpan span) => _reserved.Exists(r => r.Span.Overlaps(span));

    private bool AreAligned(ulong alignment) =>
        _areas.TrueForAll(a => ((a.Span.First | (a.Span.LengthLessOne + 1) | (a.StartByte & 4095)) & (alignment - 1)) == 0);

    private bool Align()
    {
        ulong alignment = Math.Max(NoLargePages ? 4096UL : 1, Domains.Select(d => d.Granule).Concat(AccessAlignments).DefaultIfEmpty(1UL).Max());
        if (alignment > Alignment && !AreAligned(alignment))
        {
            return false;
        }

        Alignment = alignment;
        return true;
    }
}

/// <summary>An area of the model.</summary>
internal sealed record ModelArea(IovaSpan Span, ModelPages Pages, ulong StartByte, Permission Permission)
{
    internal int Accesses { get; set; }

    internal bool PreventsAccess { get; set; }

    internal ulong StartByteOf(ulong iova) => iova - Span.First + StartByte;
}

/// <summary>Pages of the model: how many users each has.</summary>
internal sealed class ModelPages(ScatteredMemory memory, ulong userAddress, bool writable, Func<long> room)
{
    private readonly Dictionary<ulong, int> _users = [];

    internal ulong UserAddress { get; } = userAddress & ~4095UL;

    internal bool IsWritable { get; } = writable;

    internal IEnumerable<ulong> Pinned => _users.Keys.Select(page => page + ((UserAddress - ScatteredMemory.Start) >> 12));

    internal Frame FrameOf(ulong startByte) => new(memory.FrameOf((UserAddress - ScatteredMemory.Start + startByte) >> 12).Word + (startByte & 4095));

    internal bool IsInMemory(ulong startByte) => UserAddress - ScatteredMemory.Start + startByte < memory.Pages << 12;

    internal IoasStatus TryHold(ModelArea area)
    {
        List<ulong> missing = [.. PagesOf(area).Where(page => !_users.ContainsKey(page))];
        if (missing.Exists(page => !memory.CanPin(UserAddress + (page << 12), IsWritable)))
        {
            return IoasStatus.BadAddress;
        }

        if (missing.Count != 0 && missing.Count > room())
        {
            return IoasStatus.OutOfMemory;
        }

        Add(area, 1);
        return IoasStatus.Success;
    }

    internal void Add(ModelArea area, int by)
    {
        foreach (ulong page in PagesOf(area))
        {
            int users = _users.GetValueOrDefault(page) + by;
            if (users == 0)
            {
                _users.Remove(page);
            }
            else
            {
                _users[page] = users;
            }
        }
    }

    private static IEnumerable<ulong> PagesOf(ModelArea area)
    {
        for (ulong page = area.StartByte >> 12; page <= (area.StartByte + area.Span.LengthLessOne) >> 12; page++)
        {
            yield return page;
        }
    }
}
