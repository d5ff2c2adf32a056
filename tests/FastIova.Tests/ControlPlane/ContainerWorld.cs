using System.Runtime.InteropServices;
using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>A container, VFIO's own unless told otherwise, and a program with a memory of its own; at the end nothing of it is charged or pinned.</summary>
internal sealed class ContainerWorld : IDisposable
{
    internal const ulong Page = 4096;

    private readonly ShadowMemory _memory = new();
    private readonly List<OpenFile> _files = [];

    internal ContainerWorld(UapiLevel level = UapiLevel.Latest, bool isStrict = true, uint entries = ushort.MaxValue, bool isCharged = false, Quotas? quotas = null)
    {
        var options = new EngineOptions { Level = level, StrictType1 = isStrict, DmaEntryLimit = entries };
        Vfio = new VfioWorld(new World(options) { Client = new Client { Space = _memory } });
        if (isCharged)
        {
            Client.Capabilities.Clear();
        }

        File = World.Engine.Open(EngineNode.VfioContainer, quotas);
        Fd = Client.Install(File);
    }

    internal VfioWorld Vfio { get; }

    internal World World => Vfio.World;

    internal Client Client => World.Client;

    /// <summary>The container.</summary>
    internal OpenFile File { get; }

    /// <summary>The caller's descriptor for it.</summary>
    internal int Fd { get; }

    /// <summary>What the container is set to.</summary>
    internal Type1Iommu Iommu => Assert.IsType<Type1Iommu>(((VfioContainerFile)File).Iommu);

    internal long Locked => _memory.Tally.LockedPages;

    internal long Pinned => _memory.Tally.PinnedPages;

    /// <summary>A group in the container, which is set to a type.</summary>
    internal VfioGroupFile Set(VfioDevice device, VfioExtension type = VfioExtension.Type1V2)
    {
        VfioGroupFile group = Joined(device);
        Assert.Equal(0, SetIommu(type));
        return group;
    }

    internal VfioGroupFile Joined(VfioDevice device)
    {
        VfioGroupFile group = Open(device);
        Assert.Equal(0, Join(group));
        return group;
    }

    internal VfioGroupFile Open(VfioDevice device)
    {
        Assert.Equal(Errno.Success, VfioGroupFile.Open(Client, device.Group, out VfioGroupFile? group));
        _files.Add(group!);
        return group!;
    }

    internal long Join(VfioGroupFile group, int? fd = null)
    {
        World.Pages.At<int>(0) = fd ?? Fd;
        return group.Ioctl(Client, (uint)VfioRequest.GroupSetContainer, World.Pages.Address);
    }

    internal long Leave(VfioGroupFile group) => group.Ioctl(Client, (uint)VfioRequest.GroupUnsetContainer, 0);

    internal long SetIommu(VfioExtension type) => File.Ioctl(Client, (uint)VfioRequest.SetIommu, (ulong)type);

    internal long Check(VfioExtension extension) => File.Ioctl(Client, (uint)VfioRequest.CheckExtension, (ulong)extension);

    /// <summary>Gets a device from its group.</summary>
    internal long Device(VfioGroupFile group, VfioDevice device, out OpenFile? file)
    {
        Span<byte> name = World.Pages.Bytes[..16];
        name.Clear();
        System.Text.Encoding.ASCII.GetBytes(device.Address.ToString(), name);
        long fd = group.Ioctl(Client, (uint)VfioRequest.GroupGetDeviceFd, World.Pages.Address);
        file = fd >= 0 ? Client.File((uint)fd) : null;
        return fd;
    }

    internal long Call<T>(VfioRequest request, ref T argument)
        where T : unmanaged
    {
        Span<byte> there = World.Pages.Bytes[..Marshal.SizeOf<T>()];
        MemoryMarshal.Write(there, argument);
        if (MemoryMarshal.Read<uint>(there) == 0)
        {
            MemoryMarshal.Write(there, (uint)there.Length);
        }

        long result = File.Ioctl(Client, (uint)request, World.Pages.Address);
        argument = MemoryMarshal.Read<T>(there);
        return result;
    }

    internal long Map(ulong iova, ulong bytes = Page, ulong? at = null, uint flags = VfioConstants.MapRead | VfioConstants.MapWrite, Client? by = null)
    {
        var map = new VfioDmaMap { ArgSz = 32, Flags = flags, Vaddr = at ?? World.Buffer, Iova = iova, Bytes = bytes };
        MemoryMarshal.Write(World.Pages.Bytes, map);
        return File.Ioctl(by ?? Client, (uint)VfioRequest.IommuMapDma, World.Pages.Address);
    }

    internal (long Result, ulong Bytes) Unmap(ulong iova, ulong bytes, uint flags = 0)
    {
        var unmap = new VfioDmaUnmap { Flags = flags, Iova = iova, Bytes = bytes };
        long result = Call(VfioRequest.IommuUnmapDma, ref unmap);
        return (result, unmap.Bytes);
    }

    /// <summary>Unmaps and reads what was written, into a bitmap at the data of the world.</summary>
    internal (long Result, ulong Bytes) UnmapDirty(ulong iova, ulong bytes, VfioBitmap bitmap, uint argsz = 48, uint flags = VfioConstants.UnmapGetDirty)
    {
        MemoryMarshal.Write(World.Pages.Bytes, new VfioDmaUnmap { ArgSz = argsz, Flags = flags, Iova = iova, Bytes = bytes });
        MemoryMarshal.Write(World.Pages.Bytes[24..], bitmap);
        long result = File.Ioctl(Client, (uint)VfioRequest.IommuUnmapDma, World.Pages.Address);
        return (result, World.Pages.At<VfioDmaUnmap>(0).Bytes);
    }

    internal long Dirty(uint flags, uint argsz = 8)
    {
        MemoryMarshal.Write(World.Pages.Bytes, new VfioDirtyBitmap { ArgSz = argsz, Flags = flags });
        return File.Ioctl(Client, (uint)VfioRequest.IommuDirtyPages, World.Pages.Address);
    }

    internal long GetDirty(ulong iova, ulong bytes, VfioBitmap bitmap, uint argsz = 48)
    {
        MemoryMarshal.Write(World.Pages.Bytes, new VfioDirtyBitmap { ArgSz = argsz, Flags = VfioConstants.DirtyGet });
        MemoryMarshal.Write(World.Pages.Bytes[8..], new VfioDirtyBitmapGet { Iova = iova, Bytes = bytes, Bitmap = bitmap });
        return File.Ioctl(Client, (uint)VfioRequest.IommuDirtyPages, World.Pages.Address);
    }

    /// <summary>A bitmap at the data of the world.</summary>
    internal VfioBitmap Bitmap(ulong bytes, ulong pageSize = Page) => new() { PgSize = pageSize, Bytes = bytes, Data = World.Data };

    /// <summary>The words of that bitmap.</summary>
    internal Span<ulong> Words(int count) => MemoryMarshal.Cast<byte, ulong>(World.Pages.Bytes.Slice(World.DataOffset, count * sizeof(ulong)));

    /// <summary>Asks for information with room for so many bytes; they are filled with a pattern before.</summary>
    internal long Info(uint argsz)
    {
        World.Pages.Bytes[..512].Fill(0xa5);
        World.Pages.At<uint>(0) = argsz;
        return File.Ioctl(Client, (uint)VfioRequest.IommuGetInfo, World.Pages.Address);
    }

    /// <summary>How many mappings the container says that it can still have.</summary>
    internal uint Avail()
    {
        Assert.Equal(0, Info(512));
        uint at = World.Pages.At<VfioType1Info>(0).CapOffset;
        while (World.Pages.At<VfioCapHeader>((int)at).Id != VfioConstants.CapDmaAvail)
        {
            at = World.Pages.At<VfioCapHeader>((int)at).Next;
            Assert.NotEqual(0u, at);
        }

        return World.Pages.At<VfioCapDmaAvail>((int)at).Avail;
    }

    /// <summary>The iovas that may be mapped, as the container tells them.</summary>
    internal List<IovaSpan> Ranges()
    {
        Assert.Equal(0, Info(512));
        for (uint at = World.Pages.At<VfioType1Info>(0).CapOffset; at != 0; at = World.Pages.At<VfioCapHeader>((int)at).Next)
        {
            if (World.Pages.At<VfioCapHeader>((int)at).Id == VfioConstants.CapIovaRange)
            {
                List<IovaSpan> ranges = [];
                for (int i = 0; i < (int)World.Pages.At<VfioCapIovaRange>((int)at).NrIovas; i++)
                {
                    VfioIovaRange range = World.Pages.At<VfioIovaRange>((int)at + 16 + (i * 16));
                    ranges.Add(new IovaSpan(range.Start, range.End));
                }

                return ranges;
            }
        }

        return [];
    }

    /// <summary>Whether a device reads at an iova what lies at an offset of the buffer.</summary>
    internal bool Reads(VfioDevice device, ulong iova, ulong offset)
    {
        Span<byte> read = stackalloc byte[8];
        return VfioWorld.ModelOf(device).Host!.Port.Read(iova, read, out _) && read.SequenceEqual(World.Pages.Bytes.Slice(World.BufferOffset + (int)offset, 8));
    }

    /// <summary>Fills the buffer so that every page of it is another one.</summary>
    internal void Number()
    {
        for (int page = 0; page < 64; page++)
        {
            World.Pages.At<ulong>(World.BufferOffset + (page * 4096)) = 0x1234_5678_0000_0000 + (ulong)page;
        }
    }

    public void Dispose()
    {
        foreach (OpenFile file in _files)
        {
            file.Close();
        }

        // All but the context of the world, which closes it itself.
        for (int fd = 1; Client.OpenFiles > 1; fd++)
        {
            if (fd != Vfio.Iommufd)
            {
                Client.Close(fd);
            }
        }

        Vfio.Dispose();
        Assert.Equal(0, _memory.Tally.LockedPages);
        Assert.Equal(0, _memory.Tally.PinnedPages);
        _memory.Dispose();
    }
}
