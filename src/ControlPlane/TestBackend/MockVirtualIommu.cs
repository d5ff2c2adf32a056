using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A virtual IOMMU that is nothing but bookkeeping: caches in its devices, two queues, and a piece of memory to map.</summary>
/// <remarks>
/// <para>Owns: the memory, when the user gave data: two pages, whose first word is the user's number.</para>
/// <para>Invariant: a queue is there only while the one before it is, which it keeps. Threads: any.</para>
/// </remarks>
internal sealed class MockVirtualIommu : VirtualIommu
{
    private const ulong MemoryBytes = 2 * Frame.PageBytes;

    // A kernel copies all entries of an invalidation into one piece of memory, which is never longer than this.
    private const ulong EntriesBytesLast = 4 << 20;

    private readonly object _iommu;
    private readonly MockQueue?[] _queues = new MockQueue?[TestConstants.HwQueues];
    private SharedMemory? _memory;
    private ulong _offset;

    private MockVirtualIommu(object iommu, PagingDomain parent, IVirtualIommuOwner owner)
        : base(parent)
    {
        _iommu = iommu;
        Owner = owner;
    }

    /// <summary>The control plane.</summary>
    internal IVirtualIommuOwner Owner { get; }

    /// <summary>Makes one.</summary>
    /// <param name="iommu">The mock IOMMU.</param>
    /// <param name="parent">What its nested domains nest on.</param>
    /// <param name="owner">The control plane.</param>
    /// <param name="data">What the user says; it is told what it said, and where to map the memory.</param>
    /// <param name="made">The virtual IOMMU, on success.</param>
    internal static Errno Create(object iommu, PagingDomain parent, IVirtualIommuOwner owner, in UserData data, out VirtualIommu? made)
    {
        var newcomer = new MockVirtualIommu(iommu, parent, owner);
        Errno errno = data.Length == 0 ? Errno.Success : newcomer.Exchange(data);
        made = errno == Errno.Success ? newcomer : null;
        if (made is null)
        {
            newcomer.Free();
        }

        return errno;
    }

    internal override Errno CreateNested(HwptAllocFlags flags, in UserData data, out NestedDomain? domain)
    {
        domain = null;
        if ((flags & ~HwptAllocFlags.Pasid) != HwptAllocFlags.None || data.Type != (uint)HwptDataType.Selftest)
        {
            return Errno.NotSupported;
        }

        Errno errno = data.Read((uint)HwptDataType.Selftest, TestConstants.NestedHwptSmallestBytes, out TestNestedHwpt settings);
        domain = errno == Errno.Success ? new MockNestedDomain(_iommu, settings.Iotlb, this) : null;
        return errno;
    }

    internal override Errno Invalidate(in UserDataArray entries, out uint done)
    {
        done = 0;
        if (entries.Count == 0 && entries.Type == TestConstants.ViommuInvalidateDataType)
        {
            return Errno.Success;
        }

        if (FaultPoint.Fails() || (ulong)entries.Count * (ulong)Marshal.SizeOf<TestViommuInvalidate>() > EntriesBytesLast)
        {
            return Errno.OutOfMemory;
        }

        var orders = new TestViommuInvalidate[entries.Count];
        Errno errno = entries.ReadAll(TestConstants.ViommuInvalidateDataType, orders.AsSpan());
        while (errno == Errno.Success && done < (uint)orders.Length)
        {
            errno = Invalidate(orders[done]);
            done += errno == Errno.Success ? 1u : 0;
        }

        return errno;
    }

    internal override bool HasQueues(uint type) => type == TestConstants.HwQueueType;

    internal override Errno CreateQueue(QueuePlace place, out HardwareQueue? queue)
    {
        queue = null;
        if (place.Index >= (uint)_queues.Length)
        {
            return Errno.Invalid;
        }

        lock (_queues)
        {
            if (_queues[place.Index] is not null)
            {
                return Errno.AlreadyExists;
            }

            MockQueue? before = place.Index == 0 ? null : _queues[place.Index - 1];
            if (place.Index != 0 && before is null)
            {
                return Errno.InputOutput;
            }

            // What the hardware is told must be what the parent domain has there.
            if (!Parent.Table.TryFrameAt(place.Iova, out Frame frame, out ulong offset, out _) || frame != place.First || offset != place.Offset)
            {
                return Errno.BadAddress;
            }

            if (before?.TryKeep() == false)
            {
                return Errno.InputOutput;
            }

            queue = _queues[place.Index] = new MockQueue(this, place, before);
            return Errno.Success;
        }
    }

    internal override void Free()
    {
        if (_memory is not null)
        {
            if (_offset != 0)
            {
                Owner.Withdraw(_offset);
            }

            _memory.Dispose();
        }
    }

    private Errno Exchange(in UserData data)
    {
        Errno errno = data.Read(TestConstants.ViommuType, 2 * sizeof(uint), out TestViommu told);
        if (errno != Errno.Success)
        {
            return errno;
        }

        try
        {
            _memory = FaultPoint.Fails() ? null : SharedMemory.CreateFixed("fastiova-viommu", MemoryBytes);
        }
        catch (IOException)
        {
            // No descriptor is left for it.
        }

        if (_memory is null)
        {
            return Errno.OutOfMemory;
        }

        MemoryMarshal.Write(_memory.Bytes, told.InData);
        errno = Owner.Offer(_memory, out _offset);
        if (errno == Errno.Success)
        {
            told.OutData = told.InData;
            told.OutMmapLength = MemoryBytes;
            told.OutMmapOffset = _offset;
            errno = data.Write(told);
        }

        return errno;
    }

    private Errno Invalidate(in TestViommuInvalidate order)
    {
        if ((order.Flags & ~TestConstants.InvalidateAll) != 0)
        {
            return Errno.NotSupported;
        }

        if (order.CacheId >= TestConstants.DeviceCacheEntries)
        {
            return Errno.Invalid;
        }

        uint? index = (order.Flags & TestConstants.InvalidateAll) != 0 ? null : order.CacheId;
        return Devices.TryUse(order.VdevId, device => ((MockDevice)device).Invalidate(index)) ? Errno.Success : Errno.Invalid;
    }

    /// <summary>A queue that nobody reads.</summary>
    private sealed class MockQueue(MockVirtualIommu iommu, QueuePlace place, MockQueue? before) : HardwareQueue(place)
    {
        internal override void Free()
        {
            lock (iommu._queues)
            {
                iommu._queues[Place.Index] = null;
                before?.LetGo();
            }
        }
    }
}
