using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>A context with a mock device, an hwpt that guests can nest on, and what tests do with virtual IOMMUs there.</summary>
internal sealed class VirtualWorld : IDisposable
{
    internal const uint MockType = TestConstants.ViommuType;
    internal const ulong Iova = TestConstants.ApertureFirst;

    internal VirtualWorld()
    {
        Ioas = World.Ioas();
        (Mock, Device) = AddDevice();
        Parent = World.Hwpt(World.Held<DeviceObject>(Device), Ioas, HwptAllocFlags.NestParent);
    }

    internal World World { get; } = new(UapiLevel.Latest, hasTestBackend: true);

    internal uint Ioas { get; }

    /// <summary>The mock device, whose destruction unbinds <see cref="Device"/>.</summary>
    internal uint Mock { get; }

    internal uint Device { get; }

    internal uint Parent { get; }

    internal (uint Mock, uint Device) AddDevice()
    {
        var command = new TestCommand { Op = TestOp.MockDomain, Id = Ioas };
        Assert.Equal(Errno.Success, World.Do(IommufdRequest.TestCmd, ref command));
        return (command.MockDomain.OutStdevId, command.MockDomain.OutIdevId);
    }

    internal Errno Make(out uint viommu, uint? device = null, uint? parent = null, uint type = MockType, uint flags = 0, uint dataLength = 0)
    {
        var command = new ViommuAllocCommand
        {
            Flags = flags,
            Type = type,
            DevId = device ?? Device,
            HwptId = parent ?? Parent,
            DataLen = dataLength,
            DataUptr = World.Data,
        };
        Errno errno = World.Do(IommufdRequest.ViommuAlloc, ref command);
        viommu = command.OutViommuId;
        return errno;
    }

    internal uint Viommu()
    {
        Assert.Equal(Errno.Success, Make(out uint viommu));
        return viommu;
    }

    /// <summary>A virtual IOMMU with memory to map, whose first word is a number.</summary>
    internal uint ViommuWithData(uint number, out TestViommu told)
    {
        World.Pages.At<TestViommu>(World.DataOffset) = new TestViommu { InData = number };
        Assert.Equal(Errno.Success, Make(out uint viommu, dataLength: (uint)Marshal.SizeOf<TestViommu>()));
        told = World.Pages.At<TestViommu>(World.DataOffset);
        return viommu;
    }

    internal Errno Give(uint viommu, uint device, ulong virtualId, out uint vdevice)
    {
        var command = new VdeviceAllocCommand { ViommuId = viommu, DevId = device, VirtId = virtualId };
        Errno errno = World.Do(IommufdRequest.VdeviceAlloc, ref command);
        vdevice = command.OutVdeviceId;
        return errno;
    }

    internal uint Vdevice(uint viommu, ulong virtualId, uint? device = null)
    {
        Assert.Equal(Errno.Success, Give(viommu, device ?? Device, virtualId, out uint vdevice));
        return vdevice;
    }

    internal Errno Nest(uint target, out uint hwpt, HwptAllocFlags flags = HwptAllocFlags.None, uint fault = 0, uint? device = null)
    {
        World.Pages.At<uint>(World.DataOffset) = TestConstants.IotlbDefault;
        var command = new HwptAllocCommand
        {
            DevId = device ?? Device,
            PtId = target,
            Flags = flags,
            FaultId = fault,
            DataType = (uint)HwptDataType.Selftest,
            DataLen = sizeof(uint),
            DataUptr = World.Data,
        };
        Errno errno = World.Do(IommufdRequest.HwptAlloc, ref command);
        hwpt = command.OutHwptId;
        return errno;
    }

    internal uint Nested(uint target)
    {
        Assert.Equal(Errno.Success, Nest(target, out uint hwpt));
        return hwpt;
    }

    internal Errno Replace(uint hwpt, uint? mock = null) => World.Do(
        IommufdRequest.TestCmd,
        new TestCommand { Op = TestOp.MockDomainReplace, Id = mock ?? Mock, MockDomainReplace = { PtId = hwpt } });

    internal Errno Events(uint viommu, uint depth, out uint queue, out uint fd, uint type = TestConstants.VeventqType)
    {
        var command = new VeventqAllocCommand { ViommuId = viommu, Type = type, VeventqDepth = depth };
        Errno errno = World.Do(IommufdRequest.VeventqAlloc, ref command);
        queue = command.OutVeventqId;
        fd = command.OutVeventqFd;
        return errno;
    }

    internal Errno Trigger(uint? device = null) => World.Do(
        IommufdRequest.TestCmd,
        new TestCommand { Op = TestOp.TriggerVevent, TriggerVevent = { DevId = device ?? Device } });

    internal bool Caches(uint entry, uint value, uint? device = null) => World.Do(
        IommufdRequest.TestCmd,
        new TestCommand { Op = TestOp.CheckDevCache, Id = device ?? Device, CheckDevCache = { Id = entry, Cache = value } }) == Errno.Success;

    internal Errno Queue(uint viommu, uint index, ulong iova, ulong length, out uint queue, uint type = TestConstants.HwQueueType)
    {
        var command = new HwQueueAllocCommand { ViommuId = viommu, Type = type, Index = index, NestingParentIova = iova, Length = length };
        Errno errno = World.Do(IommufdRequest.HwQueueAlloc, ref command);
        queue = command.OutHwQueueId;
        return errno;
    }

    internal Errno Unmap(ulong iova, ulong length) => World.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = Ioas, Iova = iova, Length = length });

    internal Errno Map(ulong offset, ulong length, out FileMapping? mapping, int protection = 3, int flags = 1) =>
        (Errno)(-World.Context.Map(new MapRequest(offset, length, protection, flags), out mapping));

    public void Dispose() => World.Dispose();
}
