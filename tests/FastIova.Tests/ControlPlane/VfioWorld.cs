using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>A world with devices that VFIO offers; each model remembers what happens to it.</summary>
internal sealed class VfioWorld : IDisposable
{
    private readonly World _world;

    internal VfioWorld(UapiLevel level = UapiLevel.Latest)
        : this(new World(level))
    {
    }

    /// <param name="world">The world; this one's from now on.</param>
    internal VfioWorld(World world)
    {
        _world = world;
        Iommufd = _world.Client.Install(_world.Context);
        Topology = new VfioTopology(_world.Engine);
    }

    internal World World => _world;

    internal VfioTopology Topology { get; }

    internal List<Fault> Faults { get; } = [];

    internal static PciFunctionLayout Layout(bool hasReset = true) => new()
    {
        VendorId = 0x1b36,
        DeviceId = 0x0010,
        ClassCode = 0x010802,
        Bars = [new PciBar { Index = 0, Bytes = 0x4000, Kind = PciBarKind.Memory64, IsMappable = true }, new PciBar { Index = 2, Bytes = 0x100, Kind = PciBarKind.Memory32 }],
        HasIntx = true,
        MsiVectors = 4,
        Msix = new PciMsix { Vectors = 8, TableBar = 0, TableOffset = 0x2000, PbaBar = 0, PbaOffset = 0x3000 },
        IsExpress = true,
        HasFunctionLevelReset = hasReset,
        HasPowerManagement = true,
    };

    internal VfioDevice Add(string address = "0000:01:00.0", int? group = null, PciFunctionLayout? layout = null, DeviceOptions? iommu = null, bool isNoIommu = false)
    {
        Assert.True(PciAddress.TryParse(address, out PciAddress at));
        return Topology.Add(group, new RegisterModel(layout ?? Layout()), new VfioDeviceOptions { Address = at, Iommu = iommu ?? new DeviceOptions(), IsNoIommu = isNoIommu, OnFault = (_, fault) => Faults.Add(fault) });
    }

    /// <summary>Adds a device that may be asked for more than its layout says.</summary>
    internal VfioDevice Add(IPciDeviceModel model, VfioDeviceOptions options, int? group = null) => Topology.Add(group, model, options);

    internal static VfioDeviceOptions At(string address = "0000:01:00.0") => PciAddress.TryParse(address, out PciAddress at) ? new VfioDeviceOptions { Address = at } : throw new ArgumentException(address, nameof(address));

    internal static RegisterModel ModelOf(VfioDevice device) => (RegisterModel)device.Model;

    /// <summary>Opens a node of a device.</summary>
    internal static OpenFile Open(VfioDevice device) => VfioTopology.Open(device);

    /// <summary>A descriptor of the caller for the context of the world.</summary>
    internal int Iommufd { get; }

    internal long Ioctl<T>(OpenFile file, VfioDeviceRequest request, ref T argument)
        where T : unmanaged
    {
        Span<byte> there = _world.Pages.Bytes.Slice(0, Marshal.SizeOf<T>());
        MemoryMarshal.Write(there, argument);
        long result = file.Ioctl(_world.Client, (uint)request, _world.Pages.Address);
        argument = MemoryMarshal.Read<T>(there);
        return result;
    }

    internal long Bind(OpenFile file, int? iommufd = null)
    {
        var bind = new VfioBindIommufd { ArgSz = 16, Iommufd = iommufd ?? Iommufd };
        return Ioctl(file, VfioDeviceRequest.BindIommufd, ref bind);
    }

    internal OpenFile Bound(VfioDevice device)
    {
        OpenFile file = Open(device);
        Assert.Equal(0, Bind(file));
        return file;
    }

    internal long Attach(OpenFile file, uint id, out uint hwpt)
    {
        var attach = new VfioAttachIommufdPt { ArgSz = 16, PtId = id };
        long result = Ioctl(file, VfioDeviceRequest.AttachIommufdPt, ref attach);
        hwpt = attach.PtId;
        return result;
    }

    /// <summary>Lets a group join the container of the world.</summary>
    internal long Join(VfioGroupFile group, int? container = null)
    {
        _world.Pages.At<int>(World.DataOffset) = container ?? Iommufd;
        return group.Ioctl(_world.Client, (uint)VfioRequest.GroupSetContainer, _world.Data);
    }

    /// <summary>A descriptor of a device of a group that joins the container of the world, if it has not.</summary>
    internal long DeviceOf(VfioGroupFile group, string address)
    {
        Assert.Contains(Join(group), (long[])[0, -(long)Errno.Invalid]);
        Span<byte> name = _world.Pages.Bytes[World.DataOffset..];
        name[System.Text.Encoding.ASCII.GetBytes(address, name)] = 0;
        return group.Ioctl(_world.Client, (uint)VfioRequest.GroupGetDeviceFd, _world.Data);
    }

    /// <summary>VFIO_DEVICE_FEATURE with a struct behind its head, and what follows that.</summary>
    internal long Feature<T>(OpenFile file, VfioFeature feature, uint operation, ref T data, ReadOnlySpan<byte> tail = default, uint? argsz = null)
        where T : unmanaged
    {
        int bytes = Marshal.SizeOf<T>();
        var head = new VfioDeviceFeature { ArgSz = argsz ?? (uint)(8 + bytes + tail.Length), Flags = (uint)feature | operation };
        Span<byte> there = _world.Pages.Bytes;
        MemoryMarshal.Write(there, head);
        MemoryMarshal.Write(there[8..], data);
        tail.CopyTo(there[(8 + bytes)..]);
        long result = file.Ioctl(_world.Client, (uint)VfioDeviceRequest.Feature, _world.Pages.Address);
        data = MemoryMarshal.Read<T>(there[8..]);
        return result;
    }

    internal long Feature(OpenFile file, VfioFeature feature, uint operation)
    {
        ulong nothing = 0;
        return Feature(file, feature, operation, ref nothing);
    }

    internal long Export(OpenFile file, uint region, uint flags, params (ulong Offset, ulong Length)[] ranges)
    {
        VfioDmaRange[] tail = [.. ranges.Select(range => new VfioDmaRange { Offset = range.Offset, Length = range.Length })];
        var order = new VfioDmaBufExport { RegionIndex = region, Flags = flags, NrRanges = (uint)tail.Length };
        return Feature(file, VfioFeature.DmaBuf, VfioDeviceConstants.FeatureGet, ref order, MemoryMarshal.AsBytes<VfioDmaRange>(tail));
    }

    internal Errno MapFile(uint ioas, long fd, ulong start, ulong length, ulong iova) => _world.Do(IommufdRequest.IoasMapFile, new IoasMapFileCommand
    {
        Flags = IoasMapFlags.FixedIova | IoasMapFlags.Readable | IoasMapFlags.Writeable,
        IoasId = ioas,
        Fd = (int)fd,
        Start = start,
        Length = length,
        Iova = iova,
    });

    internal long SetIrqs(OpenFile file, VfioIrq kind, uint flags, uint start, uint count, params int[] data)
    {
        bool isBool = (flags & VfioDeviceConstants.SetDataBool) != 0;
        byte[] bytes = isBool ? [.. data.Select(one => (byte)one)] : MemoryMarshal.AsBytes<int>(data).ToArray();
        var head = new VfioIrqSet { ArgSz = (uint)(20 + bytes.Length), Flags = flags, Index = (uint)kind, Start = start, Count = count };
        MemoryMarshal.Write(_world.Pages.Bytes, head);
        bytes.CopyTo(_world.Pages.Bytes[20..]);
        return file.Ioctl(_world.Client, (uint)VfioDeviceRequest.SetIrqs, _world.Pages.Address);
    }

    internal ulong ReadAt(OpenFile file, uint region, ulong offset, int bytes)
    {
        Assert.Equal(bytes, file.ReadAt(_world.Client, _world.Data, (ulong)bytes, VfioRegions.OffsetOf(region) + offset));
        return MemoryMarshal.Read<ulong>(_world.Pages.Bytes[World.DataOffset..]) & (bytes == 8 ? ulong.MaxValue : (1UL << (bytes * 8)) - 1);
    }

    internal long WriteAt(OpenFile file, uint region, ulong offset, ulong value, int bytes)
    {
        MemoryMarshal.Write(_world.Pages.Bytes[World.DataOffset..], value);
        return file.WriteAt(_world.Client, _world.Data, (ulong)bytes, VfioRegions.OffsetOf(region) + offset);
    }

    public void Dispose()
    {
        Topology.Dispose();
        _world.Client.Uninstall(Iommufd);
        _world.Dispose();
    }
}
