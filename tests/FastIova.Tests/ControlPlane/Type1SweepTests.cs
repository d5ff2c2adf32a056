using System.Globalization;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>A life of a container of type 1 and one of devices without an IOMMU, with the first fallible step failing, then the second, until none is left.</summary>
public sealed class Type1SweepTests
{
    private const ulong Page = ContainerWorld.Page;

    private delegate long Step(Scene scene);

    private static readonly Dictionary<string, Step[]> Steps = new(StringComparer.Ordinal)
    {
        ["type 1"] =
        [
            s => s.World.Join(s.First),
            s => s.World.SetIommu(VfioExtension.Type1V2),
            s => s.World.Map(0x10_0000, 4 * Page),
            s => s.World.Dirty(VfioConstants.DirtyStart),
            s => s.World.Map(0x20_0000, 8 * Page),
            s => s.World.Join(s.Second),
            s => s.World.Join(s.Third),
            s => s.World.Info(512),
            s => s.World.GetDirty(0x10_0000, 4 * Page, s.World.Bitmap(8)),
            s => s.World.Map(0x30_0000, 4 * Page),
            s => s.World.Unmap(0, 0, VfioConstants.UnmapAll | VfioConstants.UnmapVaddr).Result,
            s => s.World.Map(0x10_0000, 4 * Page, flags: VfioConstants.MapVaddr, by: s.Next),
            s => s.World.Map(0x20_0000, 8 * Page, flags: VfioConstants.MapVaddr),
            s => s.World.Map(0x30_0000, 4 * Page, flags: VfioConstants.MapVaddr),
            s => s.World.UnmapDirty(0x10_0000, 4 * Page, s.World.Bitmap(8)).Result,
            s => s.World.Leave(s.First),
            s => s.World.Leave(s.Third),
            s => s.World.Unmap(0, 0, VfioConstants.UnmapAll).Result,
            s => s.World.Leave(s.Second),
        ],
        ["noiommu"] =
        [
            s => s.World.Join(s.None),
            s => s.World.SetIommu(VfioExtension.NoIommu),
            s => Math.Min(0, s.World.Device(s.None, s.Bare, out s.File)),
            s =>
            {
                s.File!.Close();
                return s.World.Leave(s.None);
            },
            s =>
            {
                s.None.Close();
                return s.World.Vfio.Bind(s.File = VfioWorld.Open(s.Bare));
            },
            s => -(long)s.World.World.Do(IommufdRequest.IoasAlloc, default(IoasAllocCommand)),
            s => -(long)s.World.World.Map(2, 0x10_0000, 4 * Page),
            s => s.World.Vfio.Attach(s.File!, 2, out _),
            s => -(long)s.World.World.Map(2, 0x20_0000, 4 * Page),
            s => -(long)s.World.World.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = 2, Iova = 0x10_0000, Length = 4 * Page }),
        ],
    };

    public static TheoryData<string> Scenarios => new(Steps.Keys);

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void AStepThatFailsLeavesNothingBehind(string name)
    {
        bool wasReached = true;
        ulong points = 0;
        for (ulong nth = 1; wasReached; nth++)
        {
            using var scene = new Scene();
            using FaultPlan plan = FaultPlan.Arm(nth);
            for (int i = 0; i < Steps[name].Length; i++)
            {
                string before = scene.Look();
                long result = Steps[name][i](scene);
                if (result == 0)
                {
                    continue;
                }

                Assert.True(plan.HasFailed, $"Step {i} of {name} failed with {-result} although nothing was made to fail.");
                Assert.Equal($"point {nth}, step {i}: {before}", $"point {nth}, step {i}: {scene.Look()}");
                break;
            }

            SweptPoints.Add(plan);
            wasReached = plan.HasFailed;
            points = nth - 1;
        }

        Assert.True(points >= 10, $"Only {points} points were reached by {name}.");
    }

    private sealed class Scene : IDisposable
    {
        internal OpenFile? File;
        private readonly TestKit.ShadowMemory _memory = new();

        internal Scene()
        {
            World = new ContainerWorld(isCharged: true);
            World.Client.Capabilities.Add(Capability.SysRawIo);
            Next = new Client { Space = _memory };
            Next.Capabilities.Clear();
            First = World.Open(World.Vfio.Add());
            Second = World.Open(World.Vfio.Add("0000:02:00.0", iommu: new DeviceOptions { ReservedRegions = [new IovaSpan(0xfee0_0000, 0xfeef_ffff)] }));
            Third = World.Open(World.Vfio.Add("0000:03:00.0", iommu: new DeviceOptions { Domain = new DomainOptions { Aperture = new IovaSpan(0, 0xffff_ffff) } }));
            Bare = World.Vfio.Add("0000:04:00.0", isNoIommu: true);
            None = World.Open(Bare);
        }

        internal ContainerWorld World { get; }

        internal Client Next { get; }

        internal VfioGroupFile First { get; }

        internal VfioGroupFile Second { get; }

        internal VfioGroupFile Third { get; }

        internal VfioDevice Bare { get; }

        internal VfioGroupFile None { get; }

        /// <summary>What a step that is refused must leave as it was.</summary>
        internal string Look()
        {
            var iommu = ((VfioContainerFile)World.File).Iommu as Type1Iommu;
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{iommu?.EntryCount} {iommu?.DomainCount} {iommu?.Space.PinnedPages} locked {World.Locked} and {_memory.Tally.LockedPages}"
                + $" reached {World.World.Engine.Physical.Pages} {Snapshot.Of(World.World)}");
        }

        public void Dispose()
        {
            File?.Close();
            World.Dispose();
            Assert.Equal(0, _memory.Tally.LockedPages);
            _memory.Dispose();
        }
    }
}
