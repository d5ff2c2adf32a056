using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Runs the life of a virtual IOMMU, then again with the first fallible step failing, the second, and so on until none is left.</summary>
public sealed class ViommuSweepTests
{
    private const ulong Iova = VirtualWorld.Iova;

    private static readonly (string Name, Func<Scene, Errno> Run)[] Steps =
    [
        ("map", s => s.World.World.Map(s.World.Ioas, Iova, 0x4000)),
        ("viommu", s => s.Viommu()),
        ("vdevice", s => s.World.Give(s.Iommu, s.World.Device, 0x99, out s.Vdevice)),
        ("nested hwpt", s => s.World.Nest(s.Iommu, out s.Nested)),
        ("attach", s => s.World.Replace(s.Nested)),
        ("queue of events", s => s.World.Events(s.Iommu, 1, out s.Events, out s.File)),
        ("event", s => s.Trigger()),
        ("event that is lost", s => s.Trigger()),
        ("read", s => s.Read()),
        ("invalidation", s => s.Invalidate()),
        ("queue of the hardware", s => s.World.Queue(s.Iommu, 0, Iova, 0x1000, out s.First)),
        ("next queue", s => s.World.Queue(s.Iommu, 1, Iova + 0x1000, 0x800, out s.Second)),
        ("mmap", s => s.World.Map(0x1000, 0x2000, out s.Mapping)),
        ("another device", s => s.AddDevice()),
        ("its vdevice", s => s.World.Give(s.Iommu, s.OtherDevice, 0x98, out _)),
        ("its end", s => s.World.World.Destroy(s.OtherMock)),
        ("end of a queue", s => s.World.World.Destroy(s.Second)),
        ("end of the other", s => s.World.World.Destroy(s.First)),
        ("unmap", s => s.World.Unmap(Iova, 0x4000)),
    ];

    [Fact]
    public void AStepThatFailsLeavesNothingBehind()
    {
        ulong points = 0;
        bool wasReached = true;
        for (ulong nth = 1; wasReached; nth++)
        {
            using var scene = new Scene();
            using FaultPlan plan = FaultPlan.Arm(nth);
            foreach ((string name, Func<Scene, Errno> run) in Steps)
            {
                string before = Snapshot.Of(scene.World.World);
                Errno errno = run(scene);
                if (errno == Errno.Success)
                {
                    continue;
                }

                Assert.True(plan.HasFailed, $"'{name}' failed with {errno} although nothing was made to fail.");
                string after = Snapshot.Of(scene.World.World);
                Assert.True(
                    string.Equals(before, after, StringComparison.Ordinal),
                    $"'{name}', failing at point {nth} with {errno}, changed\n{before}\nto\n{after}");
                break;
            }

            wasReached = plan.HasFailed;
            points = nth - 1;
        }

        Assert.True(points >= 40, $"Only {points} points were reached.");
    }

    private sealed class Scene : IDisposable
    {
        internal uint Iommu;
        internal uint Vdevice;
        internal uint Nested;
        internal uint Events;
        internal uint File;
        internal uint First;
        internal uint Second;
        internal uint OtherMock;
        internal uint OtherDevice;
        internal FileMapping? Mapping;

        internal VirtualWorld World { get; } = new();

        internal Errno Viommu()
        {
            World.World.Pages.At<TestViommu>(FastIova.Tests.ControlPlane.World.DataOffset) = new TestViommu { InData = 3 };
            return World.Make(out Iommu, dataLength: 24);
        }

        // An event for which there is no memory is lost, and an empty queue says so: that is read here, so that nothing has changed.
        internal Errno Trigger()
        {
            bool wasEmpty = !World.World.Client.File(File).IsReadable;
            Errno errno = World.Trigger();
            return errno == Errno.OutOfMemory && wasEmpty && Read() != Errno.Success ? Errno.InputOutput : errno;
        }

        internal Errno Read()
        {
            long read = World.World.Client.File(File).Read(World.World.Client, World.World.Data, 100);
            return read > 0 ? Errno.Success : (Errno)(-read);
        }

        internal Errno Invalidate()
        {
            World.World.Pages.At<TestViommuInvalidate>(FastIova.Tests.ControlPlane.World.DataOffset) = new TestViommuInvalidate { VdevId = 0x99 };
            return World.World.Do(
                IommufdRequest.HwptInvalidate,
                new HwptInvalidateCommand { HwptId = Iommu, DataUptr = World.World.Data, DataType = TestConstants.ViommuInvalidateDataType, EntryLen = 12, EntryNum = 1 });
        }

        internal Errno AddDevice()
        {
            var command = new TestCommand { Op = TestOp.MockDomain, Id = World.Ioas };
            Errno errno = World.World.Do(IommufdRequest.TestCmd, ref command);
            OtherMock = command.MockDomain.OutStdevId;
            OtherDevice = command.MockDomain.OutIdevId;
            return errno;
        }

        public void Dispose()
        {
            Mapping?.Dispose();
            World.Dispose();
        }
    }
}
