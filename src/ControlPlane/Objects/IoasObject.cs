namespace FastIova;

/// <summary>An ioas as an object of a context.</summary>
internal sealed class IoasObject : UapiObject
{
    private IoasObject(IommufdContext context)
        : base(context, ObjectKind.Ioas) => Space = new Ioas { Mappings = context.Quotas?.Mappings };

    /// <summary>Its areas, domains and accesses.</summary>
    internal Ioas Space { get; }

    /// <summary>Guards <see cref="Hwpts"/>; held by the maker of an hwpt until it is published or aborted.</summary>
    internal OrderedLock HwptLock { get; } = new(LockRank.Hwpts);

    /// <summary>The paging hwpts on it.</summary>
    internal List<PagingHwpt> Hwpts { get; } = [];

    /// <summary>Makes an empty one, reserved.</summary>
    internal static Errno Create(IommufdContext context, out IoasObject? ioas)
    {
        var newcomer = new IoasObject(context);
        Errno errno = context.Objects.Reserve(newcomer);
        ioas = errno == Errno.Success ? newcomer : null;
        return errno;
    }

    /// <summary>Maps memory of a caller, which pays for it.</summary>
    /// <param name="caller">Whose memory.</param>
    /// <param name="userAddress">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="iova">The first iova: as given when it is fixed, else the lowest that fits.</param>
    /// <param name="permission">What devices and accesses may do.</param>
    /// <param name="fixedIova">Whether the iova is given.</param>
    internal Errno Map(Caller caller, ulong userAddress, ulong length, ref ulong iova, Permission permission, bool fixedIova)
    {
        // Lengths that are too long, or none, come before addresses that wrap in older releases.
        if (Context.Has(UapiChange.UserWrapOverflows) && userAddress + length < userAddress)
        {
            return Errno.Overflow;
        }

        return Space.Map(Context.OwnerFor(caller), userAddress, length, ref iova, permission, fixedIova).ToErrno();
    }

    /// <summary>What the test backend means by an iova: an area, counted from the lowest, and an offset.</summary>
    /// <param name="packed">The number of the area in the low half, the offset in the high half.</param>
    /// <returns>The iova; zero when there are fewer areas.</returns>
    internal ulong NthAreaIova(ulong packed)
    {
        uint nth = (uint)packed;
        foreach (IovaSpan area in Space.AreaSpans())
        {
            if (nth-- == 0)
            {
                return area.First + (packed >> 32);
            }
        }

        return 0;
    }

    internal override void Destroy()
    {
        Space.UnmapAll(out _);
        Space.Dispose();
    }
}
