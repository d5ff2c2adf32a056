using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Runs whole scenarios, then again with the first fallible step failing, the second, and so on until none is left.</summary>
public sealed class SweepTests
{
    private const uint Pasid = 7;

    private delegate Errno Step(Scene scene);

    private static readonly Dictionary<string, Step[]> Steps = new(StringComparer.Ordinal)
    {
        ["maps"] =
        [
            s => s.Ioas(),
            s => s.Ioas(),
            s => s.World.Map(1, 0x10_0000, 0x4000),
            s => s.World.Do(IommufdRequest.IoasMap, new IoasMapCommand { IoasId = 1, Flags = IoasMapFlags.Readable, UserVa = s.World.Buffer, Length = 0x2000 }),
            s => s.Copy(1, 0x10_0000, 0x4000, 2, 0x20_0000),
            s => s.Allow(1, (0, 0xfff), (0x10_0000, 0x20_0000)),
            s => s.World.Do(IommufdRequest.Option, new OptionCommand { OptionId = OptionId.HugePages, Op = OptionOp.Set, ObjectId = 1 }),
            s => s.Unmap(1, 0x10_0000, 0x4000),
            s => s.Unmap(2, 0, ulong.MaxValue),
            s => s.World.Destroy(2),
        ],
        ["devices"] =
        [
            s => s.Ioas(),
            s => s.Ioas(),
            s => s.World.Map(1, 0x10_0000, 0x4000),
            s => s.Bind(),
            s => s.Attach(1),
            s => s.World.Map(1, 0x20_0000, 0x4000),
            s => s.Copy(1, 0x10_0000, 0x8000 - 0x4000, 2, 0x30_0000),
            s => s.Replace(2),
            s => s.World.Map(2, 0x40_0000, 0x10000),
            s => s.Unmap(2, 0x30_0000, 0x4000),
            s => s.Replace(1),
            s => s.Unmap(1, 0, ulong.MaxValue),
            s => s.Detach(),
        ],
        ["hwpts"] =
        [
            s => s.Ioas(),
            s => s.World.Map(1, 0x10_0000, 0x4000),
            s => s.Bind(),
            s => s.Hwpt(1, HwptAllocFlags.DirtyTracking | HwptAllocFlags.NestParent),
            s => s.World.Do(IommufdRequest.HwptSetDirtyTracking, new HwptSetDirtyTrackingCommand { HwptId = s.Last, Flags = 1 }),
            s => s.World.Do(IommufdRequest.HwptGetDirtyBitmap, new HwptGetDirtyBitmapCommand { HwptId = s.Last, Iova = 0x10_0000, Length = 0x4000, PageSize = 0x1000, Data = s.World.Data }),
            s => s.Attach(s.Last),
            s => s.Queue(),
            s => s.Nested(s.Parent),
            s => s.Replace(s.Last),
            s => s.Report(),
            s => s.Read(),
            s => s.World.Do(IommufdRequest.GetHwInfo, new HwInfoCommand { DevId = s.Device.Id, DataLen = 8, DataUptr = s.World.Data }),
            s => s.World.Do(IommufdRequest.HwptInvalidate, new HwptInvalidateCommand { HwptId = s.Last, DataType = 9 }),
            s => s.Replace(s.Parent),
            s => s.Detach(),
            s => s.World.Destroy(s.Last),
            s => s.World.Destroy(s.Parent),
        ],
        ["pasids"] =
        [
            s => s.Ioas(),
            s => s.World.Map(1, 0x10_0000, 0x4000),
            s => s.Bind(),
            s => s.Queue(),
            s => s.Hwpt(1, HwptAllocFlags.Pasid | HwptAllocFlags.FaultIdValid),
            s => s.Attach(s.Last),
            s => s.Attach(s.Last, Pasid),
            s => s.Hwpt(1, HwptAllocFlags.Pasid),
            s => s.Replace(s.Last, Pasid),
            s => s.Attach(s.Last, Pasid + 1),
            s => s.Detach(Pasid),
            s => s.Replace(s.Last),
            s => s.Detach(),
        ],
        ["accesses"] =
        [
            s => s.Ioas(),
            s => s.Ioas(),
            s => s.World.Map(1, 0x10_0000, 0x4000),
            s => AccessObject.Create(s.World.Context, s, true, out s.Access),
            s => s.Access!.Attach(1),
            s => s.Pin(0x10_1000, 0x2000),
            s => s.Access!.Read(0x10_0000, new byte[64]),
            s => s.Access!.Write(0x10_0000, new byte[64]),
            s => s.Access!.Replace(2),
            s => s.Access!.Replace(1),
            s => s.Pin(0x10_0000, 0x4000),
            s => s.Unmap(1, 0x10_0000, 0x4000),
        ],
        ["files"] =
        [
            s => s.Ioas(),
            s => s.Ioas(),
            s => s.MapFile(1, 0x10_0000, 0, 0x4000),
            s => s.Bind(),
            s => s.Attach(1),
            s => s.MapFile(1, 0x20_0000, 0x2000, 0x4000),
            s => s.Copy(1, 0x10_0000, 0x4000, 2, 0x20_0000),
            s => s.World.Do(IommufdRequest.IoasChangeProcess, default(IoasChangeProcessCommand)),
            s => s.ChangeProcess(),
            s => s.Replace(2),
            s => s.ChangeProcess(),
            s => s.Unmap(1, 0x10_0000, 0x4000),
            s => s.Replace(1),
            s => s.Unmap(1, 0, ulong.MaxValue),
            s => s.Detach(),
        ],
        ["dma-bufs"] =
        [
            s => s.Ioas(),
            s => s.DmaBuf(0x4000),
            s => s.MapDmaBuf(1, 0x10_0000, 0x1000, 0x3000),
            s => s.Bind(),
            s => s.Attach(1),
            s => s.MapDmaBuf(1, 0x20_0000, 0, 0x4000),
            s => s.Copy(1, 0x20_0000, 0x4000, 1, 0x30_0000),
            s => s.Revoke(isRevoked: true),
            s => s.Unmap(1, 0x10_0000, 0x3000),
            s => s.Revoke(isRevoked: false),
            s => s.MapDmaBuf(1, 0x10_0000, 0, 0x4000),
            s => s.Unmap(1, 0, ulong.MaxValue),
            s => s.Detach(),
        ],
        ["container"] =
        [
            s => s.Ioas(),
            s => s.World.Do(IommufdRequest.VfioIoas, new VfioIoasCommand { Op = VfioIoasOp.Set, IoasId = 1 }),
            s => (Errno)(-s.World.Context.Ioctl(s.World.Client, (uint)VfioRequest.SetIommu, 1)),
            s => s.VfioMap(0x10_0000, 0x4000),
            s => s.Bind(),
            s => s.Attach(1),
            s => s.VfioMap(0x20_0000, 0x4000),
            s => s.VfioUnmap(0x10_1000, 0x1000),
            s => s.VfioUnmap(0x20_0000, 0x4000),
            s => s.Detach(),
        ],
    };

    public static TheoryData<string, bool> Scenarios
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (string name in Steps.Keys)
            {
                data.Add(name, false);
                data.Add(name, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void AStepThatFailsLeavesNothingBehind(string name, bool isCharged)
    {
        ulong points = 0;
        bool wasReached = true;
        for (ulong nth = 1; wasReached; nth++)
        {
            using var scene = new Scene(isCharged);
            using FaultPlan plan = FaultPlan.Arm(nth);
            for (int i = 0; i < Steps[name].Length; i++)
            {
                string before = Snapshot.Of(scene.World);
                Errno errno = Steps[name][i](scene);
                if (errno == Errno.Success)
                {
                    continue;
                }

                Assert.True(plan.HasFailed, $"Step {i} of {name} failed with {errno} although nothing was made to fail.");
                string after = Snapshot.Of(scene.World);
                Assert.True(
                    string.Equals(before, after, StringComparison.Ordinal),
                    $"Step {i} of {name}, failing at point {nth} with {errno}, changed\n{before}\nto\n{after}");
                break;
            }

            wasReached = plan.HasFailed;
            points = nth - 1;
        }

        Assert.True(points >= 15, $"Only {points} points were reached by {name}.");
    }

    /// <summary>What the steps of a scenario share.</summary>
    private sealed class Scene : IAccessUser, IDisposable
    {
        internal AccessObject? Access;
        private readonly List<(ulong Iova, ulong Length)> _pins = [];
        private DeviceObject? _device;
        private readonly SharedMemory _memoryFile = SharedMemory.Create("sweep", 0x10000);
        private readonly Client _other = new();
        private int _dmaBuf;
        private uint _queue;
        private OpenFile? _file;

        internal Scene(bool isCharged)
        {
            World = new World(UapiLevel.Latest, hasTestBackend: true);
            if (isCharged)
            {
                World.Client.Capabilities.Clear();
            }
        }

        internal World World { get; }

        internal DeviceObject Device => _device!;

        internal FakeDevice Hardware { get; private set; } = null!;

        internal uint Last { get; private set; }

        internal uint Parent { get; private set; }

        internal Errno Ioas() => World.Do(IommufdRequest.IoasAlloc, default(IoasAllocCommand));

        internal Errno Copy(uint source, ulong from, ulong length, uint destination, ulong to) => World.Do(IommufdRequest.IoasCopy, new IoasCopyCommand
        {
            Flags = IoasMapFlags.FixedIova | IoasMapFlags.Readable,
            SrcIoasId = source,
            SrcIova = from,
            Length = length,
            DstIoasId = destination,
            DstIova = to,
        });

        internal Errno Unmap(uint ioas, ulong iova, ulong length) => World.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = ioas, Iova = iova, Length = length });

        internal Errno Allow(uint ioas, params (ulong First, ulong Last)[] spans)
        {
            for (int i = 0; i < spans.Length; i++)
            {
                World.Pages.At<IovaRangeRecord>(World.DataOffset + (i * 16)) = new IovaRangeRecord { Start = spans[i].First, Last = spans[i].Last };
            }

            return World.Do(IommufdRequest.IoasAllowIovas, new IoasAllowIovasCommand { IoasId = ioas, NumIovas = (uint)spans.Length, AllowedIovas = World.Data });
        }

        internal Errno Bind()
        {
            Hardware = new FakeDevice(World.Engine);
            Hardware.Reserved.Add(new IovaSpan(0x60_0000, 0x60_ffff));
            return DeviceObject.Bind(World.Context, Hardware, keepsContext: false, out _device);
        }

        internal Errno Attach(uint id, uint pasid = DeviceObject.NoPasid) => Device.Attach(ref id, pasid);

        internal Errno Replace(uint id, uint pasid = DeviceObject.NoPasid) => Device.Replace(ref id, pasid);

        internal Errno Detach(uint pasid = DeviceObject.NoPasid)
        {
            Device.Detach(pasid);
            return Errno.Success;
        }

        internal Errno Hwpt(uint ioas, HwptAllocFlags flags)
        {
            var command = new HwptAllocCommand { DevId = Device.Id, PtId = ioas, Flags = flags, FaultId = _queue };
            Errno errno = World.Do(IommufdRequest.HwptAlloc, ref command);
            Last = Parent = command.OutHwptId;
            return errno;
        }

        internal Errno Nested(uint parent)
        {
            var command = new HwptAllocCommand { DevId = Device.Id, PtId = parent, Flags = HwptAllocFlags.FaultIdValid, FaultId = _queue, DataType = 7, DataLen = 4, DataUptr = World.Data };
            Errno errno = World.Do(IommufdRequest.HwptAlloc, ref command);
            Last = command.OutHwptId;
            return errno;
        }

        internal Errno Queue()
        {
            FaultAllocCommand command = default;
            Errno errno = World.Do(IommufdRequest.FaultQueueAlloc, ref command);
            if (errno == Errno.Success)
            {
                _queue = command.OutFaultId;
                _file = World.Client.File(command.OutFaultFd);
            }

            return errno;
        }

        internal Errno Report() => Hardware.Report(new PageFault(PageFaultFlags.LastPage, 0, 0, PageFaultPermission.Read, 0));

        internal Errno Read()
        {
            long result = _file!.Read(World.Client, World.Data, 40);
            return result == 40 ? Errno.Success : (Errno)(-result);
        }

        internal Errno Pin(ulong iova, ulong length)
        {
            Errno errno = Access!.Pin(iova, length, true, new Frame[length / 4096]);
            if (errno == Errno.Success)
            {
                _pins.Add((iova, length));
            }

            return errno;
        }

        internal Errno MapFile(uint ioas, ulong iova, ulong start, ulong length) => MapFile(ioas, iova, start, length, _memoryFile.FileDescriptor);

        internal Errno DmaBuf(uint length)
        {
            var command = new TestCommand { Op = TestOp.DmabufGet, DmabufGet = { Length = length } };
            Errno errno = World.Do(IommufdRequest.TestCmd, ref command, out long fd);
            _dmaBuf = errno == Errno.Success ? (int)fd : 0;
            return errno;
        }

        internal Errno MapDmaBuf(uint ioas, ulong iova, ulong start, ulong length) => MapFile(ioas, iova, start, length, _dmaBuf);

        internal Errno Revoke(bool isRevoked) =>
            World.Do(IommufdRequest.TestCmd, new TestCommand { Op = TestOp.DmabufRevoke, DmabufRevoke = { DmabufFd = _dmaBuf, Revoked = isRevoked ? 1u : 0 } });

        /// <summary>Another user of the same process, who then pays.</summary>
        internal Errno ChangeProcess()
        {
            Span<byte> command = World.Pages.Bytes[..8];
            command.Clear();
            command[0] = 8;
            _other.Capabilities.Clear();
            return (Errno)(-World.Context.Ioctl(_other, (uint)IommufdRequest.IoasChangeProcess, World.Pages.Address));
        }

        private Errno MapFile(uint ioas, ulong iova, ulong start, ulong length, int fd) => World.Do(
            IommufdRequest.IoasMapFile,
            new IoasMapFileCommand { IoasId = ioas, Fd = fd, Start = start, Length = length, Iova = iova, Flags = IoasMapFlags.FixedIova | IoasMapFlags.Readable | IoasMapFlags.Writeable });

        internal Errno VfioMap(ulong iova, ulong length)
        {
            var map = new VfioDmaMap { Flags = 3, Vaddr = World.Buffer, Iova = iova, Bytes = length };
            return (Errno)(-World.Vfio(VfioRequest.IommuMapDma, ref map));
        }

        internal Errno VfioUnmap(ulong iova, ulong length)
        {
            var unmap = new VfioDmaUnmap { Iova = iova, Bytes = length };
            return (Errno)(-World.Vfio(VfioRequest.IommuUnmapDma, ref unmap));
        }

        public void OnUnmap(ulong iova, ulong length)
        {
            foreach ((ulong first, ulong bytes) in _pins.ToArray())
            {
                if (first <= iova + (length - 1) && first + (bytes - 1) >= iova)
                {
                    Access!.Unpin(first, bytes);
                    _pins.Remove((first, bytes));
                }
            }
        }

        public void Dispose()
        {
            Access?.End();
            _device?.DetachAll();
            _device?.Unbind();
            World.Dispose();
            Assert.Equal(0, _other.User.LockedPages);
            _memoryFile.Dispose();
        }
    }
}
