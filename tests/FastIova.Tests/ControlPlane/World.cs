using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>An engine, a context, a caller and its memory; at the end nothing of them may be left.</summary>
internal sealed class World : IDisposable
{
    internal const int StructOffset = 0;
    internal const int DataOffset = 4096;
    internal const int BufferOffset = 16 * 4096;

    private bool _isClosed;

    internal World(UapiLevel level = UapiLevel.Linux612, EngineNode node = EngineNode.Iommu, bool hasTestBackend = false)
        : this(new EngineOptions { Level = level, TestBackend = hasTestBackend }, node)
    {
    }

    internal World(EngineOptions options, EngineNode node = EngineNode.Iommu)
    {
        Engine = new Engine(options);
        Context = new IommufdContext(Engine, node);
    }

    internal Engine Engine { get; }

    internal IommufdContext Context { get; }

    internal Client Client { get; init; } = new();

    /// <summary>A struct page, fifteen pages of data, then a buffer of 64 pages to map.</summary>
    internal UserPages Pages { get; } = new(80);

    internal ulong Buffer => Pages.Address + BufferOffset;

    internal ulong Data => Pages.Address + DataOffset;

    /// <summary>Runs an ioctl on a struct in the caller's memory.</summary>
    internal Errno Do<T>(IommufdRequest request, ref T command)
        where T : unmanaged => Do(request, ref command, out _);

    /// <summary>The same, of a call that answers more than zero.</summary>
    internal Errno Do<T>(IommufdRequest request, ref T command, out long result)
        where T : unmanaged
    {
        int bytes = Marshal.SizeOf<T>();
        Span<byte> there = Pages.Bytes.Slice(StructOffset, bytes);
        MemoryMarshal.Write(there, command);
        MemoryMarshal.Write(there, (uint)bytes);
        result = Context.Ioctl(Client, (uint)request, Pages.Address + StructOffset);
        command = MemoryMarshal.Read<T>(there);
        return result < 0 ? (Errno)(-result) : Errno.Success;
    }

    internal Errno Do<T>(IommufdRequest request, T command)
        where T : unmanaged => Do(request, ref command);

    /// <summary>Runs a call of VFIO on a struct in the caller's memory; the first field is set to its length unless it has one.</summary>
    internal long Vfio<T>(VfioRequest request, ref T command)
        where T : unmanaged
    {
        Span<byte> there = Pages.Bytes.Slice(StructOffset, Marshal.SizeOf<T>());
        MemoryMarshal.Write(there, command);
        if (MemoryMarshal.Read<uint>(there) == 0)
        {
            MemoryMarshal.Write(there, (uint)there.Length);
        }

        long result = Context.Ioctl(Client, (uint)request, Pages.Address + StructOffset);
        command = MemoryMarshal.Read<T>(there);
        return result;
    }

    internal uint Ioas()
    {
        IoasAllocCommand command = default;
        Assert.Equal(Errno.Success, Do(IommufdRequest.IoasAlloc, ref command));
        return command.OutIoasId;
    }

    internal Errno Map(uint ioas, ulong iova, ulong length = 4096, IoasMapFlags flags = IoasMapFlags.Readable | IoasMapFlags.Writeable, ulong? at = null) =>
        Do(IommufdRequest.IoasMap, new IoasMapCommand { IoasId = ioas, UserVa = at ?? Buffer, Length = length, Iova = iova, Flags = flags | IoasMapFlags.FixedIova });

    internal Errno Destroy(uint id) => Do(IommufdRequest.Destroy, new DestroyCommand { Id = id });

    internal DeviceObject Bind(HardwareDevice device)
    {
        Assert.Equal(Errno.Success, DeviceObject.Bind(Context, device, keepsContext: false, out DeviceObject? bound));
        return bound!;
    }

    internal uint Hwpt(DeviceObject device, uint target, HwptAllocFlags flags = HwptAllocFlags.None, uint fault = 0)
    {
        var command = new HwptAllocCommand { DevId = device.Id, PtId = target, Flags = flags, FaultId = fault };
        Assert.Equal(Errno.Success, Do(IommufdRequest.HwptAlloc, ref command));
        return command.OutHwptId;
    }

    internal uint Nested(DeviceObject device, uint parent, uint fault = 0)
    {
        Pages.At<uint>(DataOffset) = 0xabcd;
        var command = new HwptAllocCommand
        {
            DevId = device.Id,
            PtId = parent,
            DataType = 7,
            DataLen = 4,
            DataUptr = Data,
            Flags = fault == 0 ? HwptAllocFlags.None : HwptAllocFlags.FaultIdValid,
            FaultId = fault,
        };
        Assert.Equal(Errno.Success, Do(IommufdRequest.HwptAlloc, ref command));
        return command.OutHwptId;
    }

    internal T Held<T>(uint id)
        where T : UapiObject
    {
        Assert.Equal(Errno.Success, Context.Objects.Get(id, out T? held));
        held!.LetGo();
        return held;
    }

    /// <summary>Ends devices that the test bound, and everything else; nothing may be left.</summary>
    internal void Close()
    {
        _isClosed = true;
        Client.CloseAll();
        Context.Close();
        Assert.Equal(0, Engine.OpenContexts);
        Assert.True(Context.Objects.IsEmpty, "An object outlived its context.");
        Assert.Equal(0, Client.User.LockedPages);
        for (ulong page = Pages.Address; page < Pages.End; page += 4096)
        {
            Assert.True(Client.Memory.TryIdentify(page, out PageIdentity identity));
            Assert.Equal(0, PinLedger.CountPins(identity));
        }
    }

    public void Dispose()
    {
        if (!_isClosed)
        {
            Close();
        }

        Engine.Dispose();
        Pages.Dispose();
    }
}
