using System.Globalization;
using FastIova.Tests.Architecture;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>The table of docs/containers.md: every row is a few calls, which the three ways to memory answer as the table says.</summary>
public sealed class ContainerTableTests
{
    private const ulong At = 0x10_0000;
    private const ulong Page = ContainerWorld.Page;
    private const string None = "–";

    private delegate string Cell(Front front);

    private static readonly Dictionary<string, Cell> Rows = new(StringComparer.Ordinal)
    {
        ["CHECK_EXTENSION of UPDATE_VADDR"] = f => f.IsNative ? None : f.Ready().Number(f.World.Check(VfioExtension.UpdateVaddr)),
        ["CHECK_EXTENSION of NOIOMMU, no such device offered"] = f => f.IsNative ? None : f.Number(f.World.Check(VfioExtension.NoIommu)),
        ["CHECK_EXTENSION of DMA_CC before a group has joined"] = f => f.IsNative ? None : f.Number(f.World.Check(VfioExtension.DmaCc)),
        ["SET_IOMMU before a group has joined"] = f => f.IsNative ? None : Name(f.World.SetIommu(VfioExtension.Type1V2)),
        ["MAP_DMA before SET_IOMMU"] = f => f.IsNative ? None : f.Joined().Map(At),
        ["GROUP_GET_DEVICE_FD before SET_IOMMU"] = f => f.IsNative ? None : Name(f.Joined().World.Device(f.Group!, f.Device, out _)),
        ["SET_IOMMU a second time"] = f => f.IsNative ? None : Name(f.Ready().World.SetIommu(VfioExtension.Type1V2)),
        ["GROUP_UNSET_CONTAINER with an open device"] = f => f.IsNative ? None : Name(f.Opened().World.Leave(f.Group!)),
        ["open of a group that was closed, with a device of it still open"] = f => f.IsNative ? None : f.Opened().Reopened(),
        ["an object of iommufd (IOAS_ALLOC)"] = f => f.Ready().Allocates(),
        ["map without a permission, before a device is attached"] = f => f.Ready().Map(At, permission: 0),
        ["map without a permission, afterwards"] = f => f.Opened().Map(At, permission: 0),
        ["map of what is mapped already"] = f => f.Mapped(At, Page).Map(At),
        ["map of memory that is not there, for an attached device"] = f => f.Opened().Map(At, at: 0x1000),
        ["map beyond what the IOMMU translates"] = f => f.Opened().Map(1UL << 48),
        ["map up to beyond 2^64"] = f => f.Opened().Map(ulong.MaxValue - 4095, 2 * Page),
        ["map of one more than dma_entry_limit, 65,535"] = f => f.Limited().Map(At + Page),
        ["pages that two maps of one page charge"] = f => f.Charged(() => f.Mapped(At, Page).Mapped(At + Page, Page)),
        ["pages that a map charges to a process with CAP_IPC_LOCK"] = f => f.Mapped(At, Page).Number(f.World.Locked),
        ["pages of it that count as pinned (VmPin)"] = f => f.Mapped(At, Page).Number(f.World.Pinned),
        ["unmap of the middle of a mapping"] = f => f.Mapped(At, 4 * Page).Unmap(At + Page, Page),
        ["unmap of the middle, with TYPE1 version 1"] = f => f.IsNative ? None : f.Old().Mapped(At, 4 * Page).Unmap(At + Page, Page),
        ["unmap of the first page of four, with TYPE1 version 1"] = f => f.IsNative ? None : f.Old().Mapped(At, 4 * Page).Unmap(At, Page),
        ["unmap of what is not mapped"] = f => f.Opened().Unmap(At, Page),
        ["unmap of everything when nothing is mapped"] = f => f.Opened().UnmapAll(),
        ["unmap of a misaligned range: the size that it leaves"] = f => f.Mapped(At, Page).Left(At, 0x800),
        ["suspend addresses (UNMAP_DMA with VADDR)"] = f => f.IsNative ? None : f.Mapped(At, Page).Suspended(),
        ["a group joins while they are suspended"] = f => f.IsNative ? None : f.Mapped(At, Page).JoinedLate(),
        ["GET_INFO: the capabilities, in order"] = f => f.IsNative ? None : f.Opened().Capabilities(),
        ["GET_INFO: argsz 400 afterwards"] = f => f.IsNative ? None : f.Opened().Told(400),
        ["GET_INFO with room for one capability: how many are written"] = f => f.IsNative ? None : f.Opened().WrittenWith(24 + 32),
        ["GET_INFO: how many mappings are left (DMA_AVAIL)"] = f => f.IsNative ? None : f.Opened().Number(f.World.Avail()),
        ["DIRTY_PAGES START"] = f => f.IsNative ? None : Name(f.Ready().World.Dirty(VfioConstants.DirtyStart)),
        ["DIRTY_PAGES START, with TYPE1 version 1"] = f => f.IsNative ? None : Name(f.Old().World.Dirty(VfioConstants.DirtyStart)),
        ["written pages of a mapping of four that no device has touched"] = f => f.Written(),
    };

    public static TheoryData<string> Names => new(Rows.Keys);

    [Fact]
    public void TheTableHasARowForEachQuestion() => Assert.Equal(Rows.Keys, Table().Keys, StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(Names))]
    public void ARowSaysWhatEachWayAnswers(string name)
    {
        string[] answers =
        [
            .. new[] { Way.Type1, Way.Compat, Way.Native }.Select(way =>
            {
                using var front = new Front(way);
                return Rows[name](front);
            }),
        ];
        Assert.Equal(string.Join(" | ", Table()[name]), string.Join(" | ", answers));
    }

    private static Dictionary<string, string[]> Table() => File.ReadLines(Path.Combine(SourceTree.Root, "docs", "containers.md"))
        .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
        .Skip(2)
        .Select(line => line.Trim('|', ' ').Split(" | "))
        .ToDictionary(cells => cells[0], cells => cells[1..], StringComparer.Ordinal);

    private static string Name(long result) => result >= 0 ? "OK" : Name((Errno)(-result));

    private static string Name(Errno errno) => errno switch
    {
        Errno.Success => "OK",
        Errno.Invalid => "EINVAL",
        Errno.NoDevice => "ENODEV",
        Errno.NotATypewriter => "ENOTTY",
        Errno.Busy => "EBUSY",
        Errno.NotFound => "ENOENT",
        Errno.AlreadyExists => "EEXIST",
        Errno.BadAddress => "EFAULT",
        Errno.Overflow => "EOVERFLOW",
        Errno.NoSpace => "ENOSPC",
        Errno.AccessDenied => "EACCES",
        _ => errno.ToString(),
    };

    private enum Way
    {
        Type1,
        Compat,
        Native,
    }

    /// <summary>One way to memory, with a device.</summary>
    private sealed class Front : IDisposable
    {
        private readonly Way _way;
        private OpenFile? _file;
        private uint _ioas;
        private bool _isSet;

        internal Front(Way way)
        {
            _way = way;
            World = new ContainerWorld(isStrict: way == Way.Type1);
            Device = World.Vfio.Add();
            if (IsNative)
            {
                _ioas = World.World.Ioas();
            }
        }

        internal bool IsNative => _way == Way.Native;

        internal ContainerWorld World { get; private set; }

        internal VfioDevice Device { get; private set; }

        internal VfioGroupFile? Group { get; private set; }

        internal string Number(long value) => value >= 0 ? value.ToString(CultureInfo.InvariantCulture) : Name(value);

        internal Front Joined()
        {
            Group ??= IsNative ? null : World.Joined(Device);
            return this;
        }

        internal Front Ready() => Ready(VfioExtension.Type1V2);

        internal Front Old() => Ready(VfioExtension.Type1);

        /// <summary>With a device that is attached.</summary>
        internal Front Opened()
        {
            Ready();
            if (_file is null)
            {
                if (IsNative)
                {
                    _file = World.Vfio.Bound(Device);
                    Assert.Equal(0, World.Vfio.Attach(_file, _ioas, out _));
                }
                else
                {
                    Assert.True(World.Device(Group!, Device, out _file) >= 0);
                }
            }

            return this;
        }

        internal Front Mapped(ulong iova, ulong bytes)
        {
            Opened();
            Assert.Equal("OK", Map(iova, bytes));
            return this;
        }

        /// <summary>With no room for another mapping, if there is a limit; a limit of one shows as much as a longer one.</summary>
        internal Front Limited()
        {
            Dispose();
            World = new ContainerWorld(isStrict: _way == Way.Type1, entries: 1);
            Device = World.Vfio.Add();
            Assert.Equal(65535u, new EngineOptions().DmaEntryLimit);
            (Group, _file, _isSet, _ioas) = (null, null, false, IsNative ? World.World.Ioas() : 0);
            return Mapped(At, Page);
        }

        internal string Map(ulong iova, ulong bytes = Page, ulong? at = null, uint permission = 3) => IsNative
            ? Name(World.World.Map(_ioas, iova, bytes, (permission & 1) != 0 ? IoasMapFlags.Readable | IoasMapFlags.Writeable : IoasMapFlags.None, at))
            : Name(World.Map(iova, bytes, at, permission));

        internal string Unmap(ulong iova, ulong bytes)
        {
            (long result, ulong told) = Unmapped(iova, bytes, 0);
            return result == 0 ? string.Create(CultureInfo.InvariantCulture, $"OK, 0x{told:x} bytes") : Name(result);
        }

        internal string UnmapAll()
        {
            (long result, ulong told) = IsNative ? Unmapped(0, ulong.MaxValue, 0) : World.Unmap(0, 0, VfioConstants.UnmapAll);
            return result == 0 ? string.Create(CultureInfo.InvariantCulture, $"OK, 0x{told:x} bytes") : Name(result);
        }

        internal string Left(ulong iova, ulong bytes) => string.Create(CultureInfo.InvariantCulture, $"0x{Unmapped(iova, bytes, 0).Told:x}");

        internal string Suspended() => Name(World.Unmap(At, Page, VfioConstants.UnmapVaddr).Result);

        internal string JoinedLate()
        {
            _ = Suspended();
            return Name(World.Join(World.Open(World.Vfio.Add("0000:02:00.0"))));
        }

        internal string Reopened()
        {
            Group!.Close();
            Errno errno = VfioGroupFile.Open(World.Client, Device.Group, out VfioGroupFile? again);
            again?.Close();
            return Name(errno);
        }

        internal string Allocates()
        {
            if (IsNative)
            {
                return Name(World.World.Do(IommufdRequest.IoasAlloc, default(IoasAllocCommand)));
            }

            var command = new IoasAllocCommand { Size = (uint)System.Runtime.InteropServices.Marshal.SizeOf<IoasAllocCommand>() };
            return Name(World.Call((VfioRequest)IommufdRequest.IoasAlloc, ref command));
        }

        internal string Charged(Action maps)
        {
            World.Client.Capabilities.Clear();
            maps();
            return Number(IsNative ? World.Client.User.LockedPages : World.Locked);
        }

        internal string Capabilities() => string.Join(' ', Chain(400));

        internal string Told(uint argsz)
        {
            Assert.Equal(0, World.Info(argsz));
            return Number(World.World.Pages.At<uint>(0));
        }

        internal string WrittenWith(uint argsz)
        {
            Assert.Equal(0, World.Info(argsz));
            return World.World.Pages.At<uint>(24) == 0xa5a5_a5a5 ? "0" : "1";
        }

        internal string Written()
        {
            if (_way == Way.Compat)
            {
                return None;
            }

            Opened();
            if (IsNative)
            {
                uint hwpt = World.World.Hwpt(Device.Bound!, _ioas, HwptAllocFlags.DirtyTracking);
                Assert.Equal("OK", Map(At, 4 * Page));
                Assert.Equal(Errno.Success, World.World.Do(IommufdRequest.HwptSetDirtyTracking, new HwptSetDirtyTrackingCommand { HwptId = hwpt, Flags = 1 }));
                World.Words(1).Clear();
                Assert.Equal(Errno.Success, World.World.Do(IommufdRequest.HwptGetDirtyBitmap, new HwptGetDirtyBitmapCommand { HwptId = hwpt, Iova = At, Length = 4 * Page, PageSize = Page, Data = World.World.Data }));
            }
            else
            {
                Mapped(At, 4 * Page);
                Assert.Equal(0, World.Dirty(VfioConstants.DirtyStart));
                World.Words(1).Clear();
                Assert.Equal(0, World.GetDirty(At, 4 * Page, World.Bitmap(8)));
            }

            return Number(System.Numerics.BitOperations.PopCount(World.Words(1)[0]));
        }

        public void Dispose()
        {
            if (IsNative)
            {
                _file?.Close();
            }

            World.Dispose();
        }

        private Front Ready(VfioExtension type)
        {
            Joined();
            if (!IsNative && !_isSet)
            {
                Assert.Equal(0, World.SetIommu(type));
                _isSet = true;
            }

            return this;
        }

        private (long Result, ulong Told) Unmapped(ulong iova, ulong bytes, uint flags)
        {
            if (!IsNative)
            {
                return World.Unmap(iova, bytes, flags);
            }

            var command = new IoasUnmapCommand { IoasId = _ioas, Iova = iova, Length = bytes };
            return (-(long)World.World.Do(IommufdRequest.IoasUnmap, ref command), command.Length);
        }

        private List<int> Chain(uint argsz)
        {
            List<int> found = [];
            Assert.Equal(0, World.Info(argsz));
            for (uint at = World.World.Pages.At<VfioType1Info>(0).CapOffset; at != 0; at = World.World.Pages.At<VfioCapHeader>((int)at).Next)
            {
                found.Add(World.World.Pages.At<VfioCapHeader>((int)at).Id);
            }

            return found;
        }
    }
}
