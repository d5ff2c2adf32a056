using System.Runtime.InteropServices;

namespace FastIova;

/// <content>What a guest has of the device: its cache, and the virtual IOMMU that it is attached for.</content>
internal sealed partial class MockDevice
{
    private readonly uint[] _cache = new uint[TestConstants.DeviceCacheEntries];
    private readonly Lock _guestLock = new();

    // The guest that the device is attached for, and what it called the device then; guarded by the lock.
    private MockVirtualIommu? _guest;
    private ulong _virtualId;

    internal override bool KnowsVirtualIommu(uint type) => type == TestConstants.ViommuType;

    internal override Errno CreateVirtualIommu(PagingDomain parent, IVirtualIommuOwner owner, in UserData data, out VirtualIommu? made)
    {
        made = null;
        return parent is MockDomain ? MockVirtualIommu.Create(MockIommu, parent, owner, data, out made) : Errno.Invalid;
    }

    /// <summary>Tells the guest that the device is attached for something.</summary>
    /// <returns><see cref="Errno.NotFound"/> when it is attached for none, or is called zero there.</returns>
    internal Errno TellGuest()
    {
        lock (_guestLock)
        {
            // The hwpt that the device is attached to keeps the guest's IOMMU, and this lock keeps it attached.
            return _guest is null || _virtualId == 0 ? Errno.NotFound
                : _guest.Owner.Report(TestConstants.VeventqType, MemoryMarshal.AsBytes([new TestVevent { VirtId = (uint)_virtualId }]));
        }
    }

    /// <summary>Whether an entry of the device's cache exists and has a value.</summary>
    internal bool Caches(uint index, uint value) => index < (uint)_cache.Length && Volatile.Read(ref _cache[index]) == value;

    /// <summary>Invalidates an entry of the device's cache, or all of them.</summary>
    internal void Invalidate(uint? index)
    {
        if (index is { } one)
        {
            Volatile.Write(ref _cache[one], 0);
        }
        else
        {
            Array.Clear(_cache);
        }
    }

    private Errno JoinGuest(MockVirtualIommu? guest)
    {
        ulong virtualId = 0;
        if (guest is not null && !guest.Devices.TryFind(this, out virtualId))
        {
            return Errno.NotFound;
        }

        lock (_guestLock)
        {
            if (guest != _guest)
            {
                _guest = guest;
                _virtualId = virtualId;
            }
        }

        return Errno.Success;
    }
}
