namespace FastIova.Tests.ControlPlane;

/// <summary>What a container of type 1 shall do, as plainly as it can be written: a list of entries, and every rule by looking at all of them.</summary>
internal sealed class Type1Model(bool isV2, uint limit)
{
    internal const ulong Page = 4096;
    internal const ulong ReservedFirst = 0x2_0000;
    internal const ulong ReservedLast = 0x2_3fff;
    internal const ulong IovasEnd = 1UL << 48;

    internal sealed record Entry(ulong Iova, ulong Bytes, ulong Offset)
    {
        internal bool IsSuspended { get; set; }

        internal ulong Last => Iova + Bytes - 1;
    }

    internal List<Entry> Entries { get; } = [];

    /// <summary>Whether the second group, which has the reserved region, is there.</summary>
    internal bool HasSecond { get; set; }

    internal bool Tracks { get; private set; }

    internal ulong LockedPages => Entries.Aggregate(0UL, (sum, entry) => sum + (entry.Bytes / Page));

    internal uint Avail => limit - (uint)Entries.Count;

    internal Errno Map(ulong iova, ulong bytes, ulong offset, bool isBad, long limitPages)
    {
        if (Entries.Exists(entry => entry.Iova <= iova + bytes - 1 && entry.Last >= iova))
        {
            return Errno.AlreadyExists;
        }

        if (Avail == 0)
        {
            return Errno.NoSpace;
        }

        if (iova + bytes > IovasEnd || (HasSecond && iova <= ReservedLast && iova + bytes - 1 >= ReservedFirst))
        {
            return Errno.Invalid;
        }

        if (isBad)
        {
            return Errno.BadAddress;
        }

        if ((long)(LockedPages + (bytes / Page)) > limitPages)
        {
            return Errno.OutOfMemory;
        }

        Entries.Add(new Entry(iova, bytes, offset));
        return Errno.Success;
    }

    internal Errno Resume(ulong iova, ulong bytes)
    {
        if (!Entries.Exists(entry => entry.Iova <= iova + bytes - 1 && entry.Last >= iova))
        {
            return Errno.NotFound;
        }

        if (Entries.Find(entry => entry.Iova == iova && entry.Bytes == bytes) is not { IsSuspended: true } found)
        {
            return Errno.Invalid;
        }

        found.IsSuspended = false;
        return Errno.Success;
    }

    internal Errno Unmap(ulong iova, ulong bytes, bool isAll, bool suspends, bool tells, out ulong unmapped)
    {
        unmapped = 0;
        ulong last = isAll ? ulong.MaxValue : iova + bytes - 1;
        if ((tells && !Tracks) || (isV2 && !isAll && Cuts(iova, last)))
        {
            return Errno.Invalid;
        }

        List<Entry> taken = [.. Entries.Where(entry => entry.Iova >= iova && entry.Iova <= last).OrderBy(entry => entry.Iova)];
        if (!isV2 && Entries.Exists(entry => entry.Iova < iova && entry.Last >= iova))
        {
            taken.Clear();
        }

        if (suspends)
        {
            if (taken.Exists(entry => entry.IsSuspended))
            {
                return Errno.Invalid;
            }

            taken.ForEach(entry => entry.IsSuspended = true);
        }
        else
        {
            Entries.RemoveAll(taken.Contains);
        }

        unmapped = taken.Aggregate(0UL, (sum, entry) => sum + entry.Bytes);
        return Errno.Success;
    }

    internal Errno Track(bool on)
    {
        Tracks = isV2 && on;
        return isV2 ? Errno.Success : Errno.AccessDenied;
    }

    internal Errno Dirty(ulong iova, ulong bytes) => !isV2 ? Errno.AccessDenied : !Tracks || Cuts(iova, iova + bytes - 1) ? Errno.Invalid : Errno.Success;

    internal Errno Join() => Entries.Exists(entry => entry.IsSuspended) ? Errno.Busy
        : Entries.Exists(entry => entry.Iova <= ReservedLast && entry.Last >= ReservedFirst) ? Errno.Invalid
        : Errno.Success;

    internal ulong? OffsetAt(ulong iova) => Entries.Find(entry => entry.Iova <= iova && entry.Last >= iova) is { } entry ? entry.Offset + (iova - entry.Iova) : null;

    private bool Cuts(ulong first, ulong last) => Entries.Exists(entry => (entry.Iova < first && entry.Last >= first) || (entry.Iova <= last && entry.Last > last));
}
