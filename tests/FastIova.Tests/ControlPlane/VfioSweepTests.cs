using System.Globalization;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Whole lives of VFIO devices, run again with the first fallible step failing, the second, and so on until none is left.</summary>
public sealed class VfioSweepTests
{
    private const ulong Iova = 0x10_0000;

    private static readonly Dictionary<string, Func<Scene, long>[]> Steps = new(StringComparer.Ordinal)
    {
        ["features"] =
        [
            s => -(long)s.Ioas(),
            s => s.Bind(s.File),
            s => s.Attach(s.File),
            s => -(long)s.Vfio.World.Map(1, Iova, 0x4000),
            s => s.DmaBuf = s.Vfio.Export(s.File, 0, 0, (0, 0x1000)),
            s => -(long)s.Vfio.MapFile(1, s.DmaBuf, 0, 0x1000, Iova + 0x10000),
            s => s.IoEventfd(0x40, s.Bell.Number),
            s => s.IoEventfd(0x44, s.Bell.Number),
            s => s.IoEventfd(0x40, -1),
            s => s.StartLog(),
            s => s.ReportLog(),
            s => s.Vfio.Feature(s.File, VfioFeature.DmaLoggingStop, VfioDeviceConstants.FeatureSet),
            s => s.FallAsleep(),
            s => s.Vfio.Feature(s.File, VfioFeature.LowPowerExit, VfioDeviceConstants.FeatureSet),
            s => s.Kvm(KvmVfioDevice.FileAdd),
            s => s.Kvm(KvmVfioDevice.FileDelete),
        ],
        ["migration"] =
        [
            s => s.Bind(s.File),
            s => s.GoTo(VfioMigrationState.PreCopy),
            s => s.GoTo(VfioMigrationState.PreCopyP2P),
            s => s.GoTo(VfioMigrationState.StopCopy),
            s => s.GoTo(VfioMigrationState.Stop),
            s => s.GoTo(VfioMigrationState.StopCopy),
            s => s.Copy(),
            s => s.GoTo(VfioMigrationState.Stop),
            s => s.GoTo(VfioMigrationState.Resuming),
            s => s.Paste(),
            s => s.GoTo(VfioMigrationState.Stop),
            s => s.GoTo(VfioMigrationState.RunningP2P),
            s => s.GoTo(VfioMigrationState.Running),
        ],
        ["emulated"] =
        [
            s => -(long)s.Ioas(),
            s => -(long)s.Ioas(),
            s => -(long)s.Vfio.World.Map(1, Iova, 0x4000),
            s => -(long)s.Vfio.World.Map(2, Iova, 0x1000),
            s => s.Bind(s.EmulatedFile),
            s => s.Attach(s.EmulatedFile),
            s => s.WriteMemory(Iova),
            s => s.WriteMemory(Iova + 0x3000),
            s => -(long)s.Vfio.World.Map(1, Iova + 0x4000, 0x1000),
            s => s.Attach(s.EmulatedFile, 2),
            s => s.WriteMemory(Iova),
            s => -(long)s.Vfio.World.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = 2, Iova = Iova, Length = 0x1000 }),
        ],
    };

    public static TheoryData<string, int> Scenarios => new() { { "features", 30 }, { "migration", 8 }, { "emulated", 15 } };

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void AStepThatFailsLeavesNothingBehind(string name, int least)
    {
        ulong points = 0;
        bool wasReached = true;
        for (ulong nth = 1; wasReached; nth++)
        {
            using var scene = new Scene();
            using (FaultPlan plan = FaultPlan.Arm(nth))
            {
                for (int i = 0; i < Steps[name].Length; i++)
                {
                    string before = scene.Snapshot();
                    long result = Steps[name][i](scene);
                    if (result >= 0)
                    {
                        continue;
                    }

                    Assert.True(plan.HasFailed, $"Step {i} of {name} failed with {-result} although nothing was made to fail.");
                    string after = scene.Snapshot();
                    Assert.True(
                        string.Equals(before, after, StringComparison.Ordinal),
                        $"Step {i} of {name}, failing at point {nth} with {-result}, changed\n{before}\nto\n{after}");
                    break;
                }

                SweptPoints.Add(plan);
                wasReached = plan.HasFailed;
                points = nth - 1;
            }

            scene.AssertNothingIsLeft();
        }

        Assert.True(points >= (ulong)least, $"Only {points} points were reached by {name}.");
    }

    private sealed class Scene : IDisposable
    {
        private readonly VfioDevice _device;
        private readonly VfioDevice _emulated;
        private readonly KvmVfioDevice _kvm;
        private readonly int _fd;
        private byte[] _copied = [];
        private OpenFile? _data;

        internal Scene()
        {
            Vfio = new VfioWorld();
            _device = Vfio.Add(new TestDevModel(), VfioWorld.At() with { Migrates = true, LogsWrites = true });
            _emulated = Vfio.Add(new RegisterModel(VfioWorld.Layout()), VfioWorld.At("0000:02:00.0") with { IsEmulated = true });
            _kvm = new KvmVfioDevice(Vfio.World.Engine, this);
            File = VfioWorld.Open(_device);
            EmulatedFile = VfioWorld.Open(_emulated);
            _fd = Vfio.World.Client.Install(File);
        }

        internal VfioWorld Vfio { get; }

        internal OpenFile File { get; }

        internal OpenFile EmulatedFile { get; }

        internal EventDescriptor Bell { get; } = EventDescriptor.TryCreate()!;

        internal long DmaBuf { get; set; }

        internal Errno Ioas() => Vfio.World.Do(IommufdRequest.IoasAlloc, default(IoasAllocCommand));

        internal long Bind(OpenFile file) => Vfio.Bind(file);

        internal long Attach(OpenFile file, uint ioas = 1) => Vfio.Attach(file, ioas, out _);

        internal long IoEventfd(ulong offset, int fd)
        {
            var order = new VfioIoEventfd { ArgSz = 32, Flags = 4, Offset = offset, Fd = fd };
            return Vfio.Ioctl(File, VfioDeviceRequest.IoEventfd, ref order);
        }

        internal long StartLog()
        {
            Vfio.World.Pages.At<VfioDmaLoggingRange>(World.DataOffset) = new VfioDmaLoggingRange { Iova = Iova, Length = 0x4000 };
            var control = new VfioDmaLoggingControl { PageSize = 0x1000, NumRanges = 1, Ranges = Vfio.World.Data };
            return Vfio.Feature(File, VfioFeature.DmaLoggingStart, VfioDeviceConstants.FeatureSet, ref control);
        }

        internal long ReportLog()
        {
            var report = new VfioDmaLoggingReport { Iova = Iova, Length = 0x4000, PageSize = 0x1000, Bitmap = Vfio.World.Data };
            return Vfio.Feature(File, VfioFeature.DmaLoggingReport, VfioDeviceConstants.FeatureGet, ref report);
        }

        internal long FallAsleep()
        {
            var wakeup = new VfioLowPowerWakeup { WakeupEventfd = Bell.Number };
            return Vfio.Feature(File, VfioFeature.LowPowerEntryWithWakeup, VfioDeviceConstants.FeatureSet, ref wakeup);
        }

        internal long Kvm(ulong attribute)
        {
            Vfio.World.Pages.At<int>(World.DataOffset) = _fd;
            return -(long)_kvm.SetAttribute(Vfio.World.Client, KvmVfioDevice.FileGroup, attribute, Vfio.World.Data);
        }

        internal long GoTo(VfioMigrationState state)
        {
            var change = new VfioMigrationChange { DeviceState = (uint)state };
            long result = Vfio.Feature(File, VfioFeature.MigrationState, VfioDeviceConstants.FeatureSet, ref change);
            _data = result == 0 && change.DataFd >= 0 ? Vfio.World.Client.File((uint)change.DataFd) : _data;
            return result;
        }

        internal long Copy()
        {
            long read = _data!.Read(Vfio.World.Client, Vfio.World.Data, 4000);
            _copied = Vfio.World.Pages.Bytes.Slice(World.DataOffset, (int)Math.Max(read, 0)).ToArray();
            return read;
        }

        internal long Paste()
        {
            _copied.CopyTo(Vfio.World.Pages.Bytes[World.DataOffset..]);
            return _data!.Write(Vfio.World.Client, Vfio.World.Data, (ulong)_copied.Length);
        }

        internal long WriteMemory(ulong iova) => VfioWorld.ModelOf(_emulated).Host!.WriteMemory(iova, [1, 2, 3], out _) ? 0 : -(long)Errno.OutOfMemory;

        internal string Snapshot() => string.Create(
            CultureInfo.InvariantCulture,
            $"{ControlPlane.Snapshot.Of(Vfio.World)}\nbound {_device.Bound?.Id} {_emulated.Bound?.Id} events {_device.IoEventfds.Count} state {_device.Migration!.State} asleep {_device.Power.IsAsleep} pins {_emulated.Emulated!.PinnedPages} files {_kvm.AssignedDeviceCount}");

        internal void AssertNothingIsLeft()
        {
            Close();
            Assert.Null(_device.Bound);
            Assert.Null(_emulated.Bound);
            Assert.Equal(0, _device.IoEventfds.Count + _emulated.Emulated!.PinnedPages);
            Assert.Equal(VfioMigrationState.Running, _device.Migration!.State);
            Assert.DoesNotContain(Vfio.World.Context.Objects.Published(), one => one.Kind is ObjectKind.Device or ObjectKind.Access);
        }

        public void Dispose()
        {
            Close();
            Bell.Dispose();
            Vfio.Dispose();
        }

        private void Close()
        {
            _kvm.Dispose();
            Vfio.World.Client.Close(_fd);
            EmulatedFile.Close();
        }
    }
}
