using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Drives devices by VFIO, then again with the first fallible step failing, the second, and so on until none is left.</summary>
public sealed class VfioDriverSweepTests
{
    private const uint Trigger = VfioDeviceConstants.SetActionTrigger | VfioDeviceConstants.SetDataEventfd;
    private const uint Pasid = 7;
    private const ulong Iova = 0x10_0000;

    private static readonly string[] Folders = ["src/ControlPlane/Vfio", "src/Devices/Pci"];

    private static readonly Dictionary<string, (string Name, Func<Scene, long> Run)[]> Scenarios = new(StringComparer.Ordinal)
    {
        ["files of devices"] =
        [
            ("open", s => s.Open("/dev/vfio/devices/vfio0", out s.Device)),
            ("bind", s => s.Vfio.Bind(s.Device!)),
            ("ioas", s => -(long)s.World.Do(IommufdRequest.IoasAlloc, default(IoasAllocCommand))),
            ("map", s => -(long)s.World.Map(s.Ioas, Iova, 0x4000)),
            ("attach", s => s.Vfio.Attach(s.Device!, s.Ioas, out _)),
            ("hwpt", s => s.Hwpt()),
            ("replace", s => s.Vfio.Attach(s.Device!, s.LastHwpt, out _)),
            ("attach a PASID", s => s.AttachPasid(s.LastHwpt)),
            ("another hwpt", s => s.Hwpt()),
            ("replace that of the PASID", s => s.AttachPasid(s.LastHwpt)),
            ("mmap of a BAR", s => s.MapBar()),
            ("pin", s => s.Irqs(VfioIrq.Intx, Trigger, 0, 1)),
            ("unmask of the pin", s => s.Irqs(VfioIrq.Intx, VfioDeviceConstants.SetActionUnmask | VfioDeviceConstants.SetDataEventfd, 0, 1)),
            ("end of the pin", s => s.Irqs(VfioIrq.Intx, VfioDeviceConstants.SetActionTrigger | VfioDeviceConstants.SetDataNone, 0, 0)),
            ("MSI", s => s.Irqs(VfioIrq.Msi, Trigger, 0, 2)),
            ("end of MSI", s => s.Irqs(VfioIrq.Msi, VfioDeviceConstants.SetActionTrigger | VfioDeviceConstants.SetDataNone, 0, 0)),
            ("MSI-X", s => s.Irqs(VfioIrq.Msix, Trigger, 0, 3)),
            ("more of MSI-X", s => s.Irqs(VfioIrq.Msix, Trigger, 3, 2)),
            ("errors", s => s.Irqs(VfioIrq.Error, Trigger, 0, 1)),
            ("requests", s => s.Irqs(VfioIrq.Request, Trigger, 0, 1)),
            ("sleep", s => s.Sleep()),
            ("reset", s => s.Device!.Ioctl(s.World.Client, (uint)VfioDeviceRequest.Reset, 0)),
            ("what a reset of the bus affects", s => s.ResetInfo()),
            ("reset of the bus", s => s.ResetBus()),
            ("detach of the PASID", s => s.Detach(Pasid)),
            ("detach", s => s.Detach(null)),
            ("unmap", s => -(long)s.World.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = s.Ioas, Iova = Iova, Length = 0x4000 })),
        ],
        ["groups"] =
        [
            ("open", s => s.Open("/dev/vfio/7", out s.Group)),
            ("container", s => s.Join()),
            ("kind of the container", s => s.World.Context.Ioctl(s.World.Client, (uint)VfioRequest.SetIommu, 3)),
            ("map", s => s.MapDma(Iova, 0x4000)),
            ("device", s => s.Take("0000:01:00.0")),
            ("the same device", s => s.Take("0000:01:00.0")),
            ("the other device", s => s.Take("0000:01:01.0")),
            ("map for devices", s => s.MapDma(0x20_0000, 0x4000)),
            ("mmap of a BAR", s => s.MapBar()),
            ("MSI-X", s => s.Irqs(VfioIrq.Msix, Trigger, 0, 3)),
            ("what a reset of the bus affects", s => s.ResetInfo()),
            ("reset of the bus", s => s.ResetBus()),
        ],
    };

    public static TheoryData<string> Names => [.. Scenarios.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void AStepThatFailsLeavesNothingBehind(string name) => Assert.True(Sweep(name) >= 10, "Too few points were reached.");

    [Fact]
    public void EveryFallibleStepOfVfioIsReachedByAScenario()
    {
        foreach (string name in Scenarios.Keys)
        {
            Sweep(name);
        }

        foreach (ITheoryDataRow row in VfioSweepTests.Scenarios)
        {
            new VfioSweepTests().AStepThatFailsLeavesNothingBehind((string)row.GetData()[0]!, (int)row.GetData()[1]!);
        }

        foreach (ITheoryDataRow row in Type1SweepTests.Scenarios)
        {
            new Type1SweepTests().AStepThatFailsLeavesNothingBehind((string)row.GetData()[0]!);
        }

        List<string> missed = [];
        foreach (string file in Folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root(), folder), "*.cs", SearchOption.AllDirectories)))
        {
            string[] lines = File.ReadAllLines(file);
            missed.AddRange(Enumerable.Range(0, lines.Length)
                .Where(index => lines[index].Contains("FaultPoint.Fails()", StringComparison.Ordinal) && !SweptPoints.Has(lines, index))
                .Select(index => string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(file)}, line {index + 1}")));
        }

        Assert.True(missed.Count == 0, $"No scenario lets these steps fail; add one to a sweep:\n{string.Join('\n', missed)}");
    }

    private static string Root([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "../../..");

    private static int Sweep(string name)
    {
        int points = 0;
        bool wasReached = true;
        for (ulong nth = 1; wasReached; nth++)
        {
            using var scene = new Scene();
            using FaultPlan plan = FaultPlan.Arm(nth);
            foreach ((string step, Func<Scene, long> run) in Scenarios[name])
            {
                string before = scene.Text();
                long result = run(scene);
                if (result >= 0)
                {
                    continue;
                }

                Assert.True(plan.HasFailed, $"'{step}' of {name} failed with {(Errno)(-result)} although nothing was made to fail.");
                string after = scene.Text();
                Assert.True(
                    string.Equals(before, after, StringComparison.Ordinal),
                    $"'{step}' of {name}, failing in {plan.Failed} with {(Errno)(-result)}, changed\n{before}\nto\n{after}");
                break;
            }

            SweptPoints.Add(plan);
            wasReached = plan.HasFailed;
            points += wasReached ? 1 : 0;
        }

        return points;
    }

    /// <summary>Two devices in one group, and what the steps of a scenario share.</summary>
    private sealed class Scene : IDisposable
    {
        internal OpenFile? Device;
        internal OpenFile? Group;
        private readonly DeviceNodes _nodes;
        private readonly EventDescriptor[] _events = [.. Enumerable.Range(0, 3).Select(_ => EventDescriptor.TryCreate()!)];
        private readonly List<FileMapping> _mappings = [];
        private readonly List<int> _fds = [];
        private int _group = -1;

        internal Scene()
        {
            var iommu = new DeviceOptions { PasidLog2 = 8 };
            Vfio.Add("0000:01:00.0", 7, iommu: iommu);
            Vfio.Add("0000:01:01.0", 7, iommu: iommu);
            _nodes = new DeviceNodes(World.Engine, Vfio.Topology);
        }

        internal VfioWorld Vfio { get; } = new();

        internal World World => Vfio.World;

        /// <summary>The device is the first object, the ioas the second.</summary>
        internal uint Ioas => Vfio.Topology.Devices[0].Bound!.Id + 1;

        internal uint LastHwpt { get; private set; }

        internal long Open(string path, out OpenFile? file)
        {
            long result = _nodes.Open(World.Client, path, out file);
            if (result == 0)
            {
                int fd = World.Client.Install(file!);
                _fds.Add(fd);
                _group = file is VfioGroupFile ? fd : _group;
            }

            return result;
        }

        internal long Hwpt()
        {
            var command = new HwptAllocCommand { DevId = Vfio.Topology.Devices[0].Bound!.Id, PtId = Ioas, Flags = HwptAllocFlags.Pasid };
            Errno errno = World.Do(IommufdRequest.HwptAlloc, ref command);
            LastHwpt = errno == Errno.Success ? command.OutHwptId : LastHwpt;
            return -(long)errno;
        }

        internal long AttachPasid(uint hwpt)
        {
            var attach = new VfioAttachIommufdPt { ArgSz = (uint)Marshal.SizeOf<VfioAttachIommufdPt>(), Flags = VfioDeviceConstants.AttachPasid, PtId = hwpt, Pasid = Pasid };
            return Vfio.Ioctl(Device!, VfioDeviceRequest.AttachIommufdPt, ref attach);
        }

        internal long Detach(uint? pasid)
        {
            var detach = new VfioDetachIommufdPt { ArgSz = (uint)Marshal.SizeOf<VfioDetachIommufdPt>(), Flags = pasid is null ? 0 : VfioDeviceConstants.AttachPasid, Pasid = pasid ?? 0 };
            return Vfio.Ioctl(Device!, VfioDeviceRequest.DetachIommufdPt, ref detach);
        }

        internal long MapBar()
        {
            long result = Device!.Map(new MapRequest(0, 4096, 3, 1), out FileMapping? mapping);
            if (mapping is not null)
            {
                _mappings.Add(mapping);
            }

            return result;
        }

        internal long Irqs(VfioIrq kind, uint flags, uint start, uint count) =>
            Vfio.SetIrqs(Device!, kind, flags, start, count, [.. _events.Take((int)count).Select(one => one.Number)]);

        internal long Sleep()
        {
            MemoryMarshal.Write(World.Pages.Bytes[8..], new VfioLowPowerWakeup { WakeupEventfd = _events[0].Number });
            var feature = new VfioDeviceFeature { ArgSz = 16, Flags = VfioDeviceConstants.FeatureSet | (uint)VfioFeature.LowPowerEntryWithWakeup };
            return Vfio.Ioctl(Device!, VfioDeviceRequest.Feature, ref feature);
        }

        internal long ResetInfo()
        {
            var info = new VfioHotResetInfo { ArgSz = (uint)(Marshal.SizeOf<VfioHotResetInfo>() + (2 * Marshal.SizeOf<VfioDependentDevice>())) };
            return Vfio.Ioctl(Device!, VfioDeviceRequest.GetPciHotResetInfo, ref info);
        }

        internal long ResetBus()
        {
            MemoryMarshal.Write(World.Pages.Bytes[Marshal.SizeOf<VfioHotReset>()..], _group);
            var reset = new VfioHotReset { ArgSz = (uint)Marshal.SizeOf<VfioHotReset>() + sizeof(int), Count = _group >= 0 ? 1u : 0 };
            return Vfio.Ioctl(Device!, VfioDeviceRequest.PciHotReset, ref reset);
        }

        internal long Join()
        {
            MemoryMarshal.Write(World.Pages.Bytes, Vfio.Iommufd);
            return Group!.Ioctl(World.Client, (uint)VfioRequest.GroupSetContainer, World.Pages.Address);
        }

        internal long MapDma(ulong iova, ulong length)
        {
            var map = new VfioDmaMap { Flags = 3, Vaddr = World.Buffer, Iova = iova, Bytes = length };
            return World.Vfio(VfioRequest.IommuMapDma, ref map);
        }

        internal long Take(string name)
        {
            System.Text.Encoding.ASCII.GetBytes(name + '\0').CopyTo(World.Pages.Bytes);
            long fd = Group!.Ioctl(World.Client, (uint)VfioRequest.GroupGetDeviceFd, World.Pages.Address);
            if (fd >= 0)
            {
                _fds.Add((int)fd);
                Device ??= World.Client.File((uint)fd);
            }

            return fd;
        }

        /// <summary>What a step that is refused must leave as it was.</summary>
        internal string Text()
        {
            IEnumerable<string> devices = Vfio.Topology.Devices.Select(device => string.Create(
                CultureInfo.InvariantCulture,
                $"{device.Address} bound {device.Bound?.Id} reaches {device.Function.Port.Explain(Iova, Permission.Read).Reason} msi {device.Interrupts.IsMsi}"));
            return $"{Snapshot.Of(World)}\n{string.Join('\n', devices)}\nmapped {_mappings.Count}";
        }

        public void Dispose()
        {
            foreach (FileMapping mapping in _mappings)
            {
                mapping.Dispose();
            }

            foreach (int fd in _fds)
            {
                World.Client.Close(fd);
            }

            Assert.All(Vfio.Topology.Devices, device => Assert.Null(device.Bound));
            foreach (EventDescriptor one in _events)
            {
                one.Dispose();
            }

            Vfio.Dispose();
        }
    }
}
