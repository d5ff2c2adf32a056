namespace FastIova;

/// <summary>A virtual IOMMU as an object of a context: a part of a hardware IOMMU that a guest has as its own.</summary>
/// <remarks>
/// <para>Owns: the driver's half. It is a user of the hwpt that it nests on; its nested hwpts, devices, queues and mappings are users of it.</para>
/// <para>Invariant: at most one of the queues of events has a type.</para>
/// <para>Threads: any. The lock of the queues is held while an event enters one, so that a queue that is destroyed takes no more.</para>
/// <para>Teardown: when no user is left; it never fails.</para>
/// </remarks>
internal sealed class ViommuObject : UapiObject, IVirtualIommuOwner
{
    private readonly List<VeventQueue> _queues = [];
    private VirtualIommu? _driver;

    private ViommuObject(PagingHwpt parent, object iommu)
        : base(parent.Context, ObjectKind.VirtualIommu)
    {
        Parent = parent;
        Iommu = iommu;
    }

    /// <summary>The hwpt that its nested ones nest on.</summary>
    internal PagingHwpt Parent { get; }

    /// <summary>The hardware that it is a part of; devices of another one do not fit.</summary>
    internal object Iommu { get; }

    /// <summary>The driver's half.</summary>
    internal VirtualIommu Driver => _driver!;

    /// <summary>Makes one, reserved.</summary>
    /// <param name="parent">Held by the caller; made to be a parent.</param>
    /// <param name="hardware">A device behind the hardware IOMMU, whose driver knows the type.</param>
    /// <param name="data">What the user says.</param>
    /// <param name="viommu">To be published or aborted, on success.</param>
    internal static Errno Create(PagingHwpt parent, HardwareDevice hardware, in UserData data, out ViommuObject? viommu)
    {
        viommu = null;
        var newcomer = new ViommuObject(parent, hardware.Iommu);
        Errno errno = parent.Context.Objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            return errno;
        }

        parent.AddUser();
        errno = hardware.CreateVirtualIommu(parent.Domain, newcomer, data, out newcomer._driver);
        if (errno != Errno.Success)
        {
            parent.Context.Objects.Abort(newcomer);
            return errno;
        }

        viommu = newcomer;
        return Errno.Success;
    }

    /// <summary>Lets a queue take the events of its type.</summary>
    /// <returns>False when another one does.</returns>
    internal bool TryAdd(VeventQueue queue)
    {
        lock (_queues)
        {
            if (_queues.Exists(other => other.Type == queue.Type))
            {
                return false;
            }

            _queues.Add(queue);
            return true;
        }
    }

    /// <summary>Undoes <see cref="TryAdd"/>: when this returns the queue takes no more events.</summary>
    internal void Remove(VeventQueue queue)
    {
        lock (_queues)
        {
            _queues.Remove(queue);
        }
    }

    /// <inheritdoc/>
    public Errno Offer(SharedMemory memory, out ulong offset) => Context.Offers.Add(this, memory, out offset);

    /// <inheritdoc/>
    public void Withdraw(ulong offset) => Context.Offers.Remove(offset);

    /// <inheritdoc/>
    public Errno Report(uint type, ReadOnlySpan<byte> data)
    {
        VeventQueue? queue;
        Errno errno;
        lock (_queues)
        {
            queue = _queues.Find(one => one.Type == type);
            if (queue is null)
            {
                return Errno.NotSupported;
            }

            errno = queue.Add(data);
        }

        queue.File.Wake();
        return errno;
    }

    internal override void Destroy()
    {
        _driver?.Free();
        Parent.RemoveUser();
    }
}
