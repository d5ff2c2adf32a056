namespace FastIova;

/// <summary>A queue of a virtual IOMMU in memory of the guest that the hardware reads by itself, as an object of a context.</summary>
/// <remarks>
/// <para>Owns: an access of its own, an object with an id, through which its pages are pinned: they cannot be unmapped (EBUSY) while
/// the hardware may read them. It is a user of the virtual IOMMU.</para>
/// <para>Teardown: the hardware first, then the pins, then the access; it never fails.</para>
/// </remarks>
internal sealed class HwQueueObject : UapiObject
{
    // A kernel keeps a list of the pages: no list of its is as long as that.
    private const ulong PagesEnd = 1UL << 28;
    private const ulong PageOffset = Frame.PageBytes - 1;

    private readonly ViommuObject _viommu;
    private AccessObject? _access;
    private IovaSpan? _pinned;
    private HardwareQueue? _driver;

    private HwQueueObject(ViommuObject viommu)
        : base(viommu.Context, ObjectKind.HardwareQueue) => _viommu = viommu;

    /// <summary>Makes one, reserved.</summary>
    /// <param name="viommu">Held by the caller; its driver has queues of the type.</param>
    /// <param name="command">What the user wants; its range does not wrap and is not empty.</param>
    /// <param name="queue">To be published or aborted, on success.</param>
    internal static Errno Create(ViommuObject viommu, in HwQueueAllocCommand command, out HwQueueObject? queue)
    {
        queue = null;
        var newcomer = new HwQueueObject(viommu);
        Errno errno = viommu.Context.Objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            return errno;
        }

        viommu.AddUser();
        errno = newcomer.Pin(command.NestingParentIova, command.Length, out Frame first);
        if (errno == Errno.Success)
        {
            var place = new QueuePlace(newcomer, command.Type, command.Index, command.NestingParentIova, command.Length, first);
            errno = viommu.Driver.CreateQueue(place, out newcomer._driver);
        }

        if (errno != Errno.Success)
        {
            viommu.Context.Objects.Abort(newcomer);
            return errno;
        }

        queue = newcomer;
        return Errno.Success;
    }

    internal override void Destroy()
    {
        _driver?.Free();
        if (_access is not null)
        {
            if (_pinned is { } span)
            {
                _access.UnpinLocked(span);
            }

            _access.End();
        }

        _viommu.RemoveUser();
    }

    private Errno Pin(ulong iova, ulong length, out Frame first)
    {
        first = default;
        ulong offset = iova & PageOffset;
        if (offset + length < length || offset + length + PageOffset < PageOffset)
        {
            return Errno.Range;
        }

        ulong pages = (offset + length + PageOffset) >> Frame.PageLg2;
        if (pages >= PagesEnd || FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        Errno errno = AccessObject.CreateInternal(Context, out _access);
        if (errno == Errno.Success)
        {
            errno = _access!.Attach(_viommu.Parent.Ioas);
        }

        if (errno == Errno.Success)
        {
            // The range was checked: whole pages around it do not wrap either.
            var span = IovaSpan.Of(iova - offset, pages << Frame.PageLg2);
            errno = _access!.PinLocked(span, out first);
            _pinned = errno == Errno.Success ? span : null;
        }

        return errno;
    }
}
