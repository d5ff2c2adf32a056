namespace FastIova;

/// <summary>
/// A part of a hardware IOMMU that a guest was given as its own: the driver's half of a vIOMMU. A driver says which types it
/// has (<see cref="HardwareDevice.KnowsVirtualIommu"/>) and makes them (<see cref="HardwareDevice.CreateVirtualIommu"/>).
/// </summary>
/// <remarks>
/// <para>Owns: whatever the driver needs for it. Ids, references, events and the order of the ends are the control plane's.</para>
/// <para>Threads: any. The parent outlives it.</para>
/// <para>Teardown: <see cref="Free"/> comes once, when no nested domain, device, queue or mapping of it is left; it never fails.</para>
/// </remarks>
internal abstract class VirtualIommu
{
    private protected VirtualIommu(PagingDomain parent) => Parent = parent;

    /// <summary>What its nested domains nest on.</summary>
    internal PagingDomain Parent { get; }

    /// <summary>The devices that the guest has behind it.</summary>
    internal VirtualDevices Devices { get; } = new();

    /// <summary>Makes a nested domain, that devices attach to which are known to the guest.</summary>
    /// <param name="flags">Without the fault flag.</param>
    /// <param name="data">What the user says; never empty.</param>
    /// <param name="domain">The domain, on success.</param>
    internal virtual Errno CreateNested(HwptAllocFlags flags, in UserData data, out NestedDomain? domain)
    {
        domain = null;
        return Errno.NotSupported;
    }

    /// <summary>Invalidates caches, of the IOMMU or of the guest's devices.</summary>
    /// <param name="entries">What to invalidate; none only asks whether the type is known.</param>
    /// <param name="done">How many entries were handled, also on a failure.</param>
    internal virtual Errno Invalidate(in UserDataArray entries, out uint done)
    {
        done = 0;
        return Errno.NotSupported;
    }

    /// <summary>Prepares the hardware for a device of the guest; it is in <see cref="Devices"/> only after this has succeeded.</summary>
    /// <param name="device">The device, of the same IOMMU.</param>
    /// <param name="virtualId">What the guest calls it; nobody else of <see cref="Devices"/> has it.</param>
    /// <param name="made">The device, on success.</param>
    internal virtual Errno CreateDevice(HardwareDevice device, ulong virtualId, out VirtualDevice? made)
    {
        made = new VirtualDevice(device, virtualId);
        return Errno.Success;
    }

    /// <summary>Whether it has queues of a type in memory of the guest that the hardware reads by physical addresses.</summary>
    internal virtual bool HasQueues(uint type) => false;

    /// <summary>Lets the hardware use a queue.</summary>
    /// <param name="place">Where it lies; pinned, and one piece.</param>
    /// <param name="queue">The queue, on success.</param>
    internal virtual Errno CreateQueue(QueuePlace place, out HardwareQueue? queue)
    {
        queue = null;
        return Errno.NotSupported;
    }

    /// <summary>Gives the hardware back.</summary>
    internal abstract void Free();
}
