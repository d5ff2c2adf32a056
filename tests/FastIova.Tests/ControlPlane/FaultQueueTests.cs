using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Page faults: into the queue, out of its file, and answered.</summary>
public sealed class FaultQueueTests
{
    private static readonly PageFault Last = new(PageFaultFlags.LastPage, 0, 5, PageFaultPermission.Read, 0xabc000);

    [Fact]
    public void AQueueAndItsFileKeepEachOther()
    {
        using var world = new World();
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.FaultQueueAlloc, new FaultAllocCommand { Flags = 1 }));
        (uint id, uint fd) = Queue(world);
        Assert.Equal(Errno.Busy, world.Destroy(id));
        world.Client.CloseAll();
        Assert.Equal(Errno.Success, world.Destroy(id));
        Assert.NotEqual(0u, fd);
        world.Client.IsFull = true;
        Assert.Equal(Errno.TooManyFiles, world.Do(IommufdRequest.FaultQueueAlloc, default(FaultAllocCommand)));
        world.Client.IsFull = false;
        world.Pages.At<FaultAllocCommand>(0) = new FaultAllocCommand { Size = 16 };
        world.Pages.Protect(1);
        Assert.Equal(-(long)Errno.BadAddress, world.Context.Ioctl(world.Client, (uint)IommufdRequest.FaultQueueAlloc, world.Pages.Address));
        Assert.Equal(0, world.Client.OpenFiles);
        Assert.True(world.Context.Objects.IsEmpty);
    }

    [Fact]
    public void TheFileKeepsTheContext()
    {
        var world = new World();
        Queue(world);
        world.Context.Close();
        Assert.Equal(1, world.Engine.OpenContexts);
        world.Client.CloseAll();
        Assert.Equal(0, world.Engine.OpenContexts);
        world.Dispose();
    }

    [Fact]
    public void AFaultIsReadAndAnswered()
    {
        using var scene = new Scene();
        Assert.False(scene.File.IsReadable);
        Assert.True(scene.File.IsWritable);
        Assert.Equal(0, scene.Read(40));
        int wakes = 0;
        scene.File.OnReadinessChanged = () => wakes++;
        Assert.Equal(Errno.Success, scene.Hardware.Report(Last));
        Assert.Equal(1, wakes);
        Assert.True(scene.File.IsReadable);
        Assert.Equal(40, scene.Read(80));
        PageFaultRecord record = scene.World.Pages.At<PageFaultRecord>(World.DataOffset);
        Assert.Equal((PageFaultFlags.LastPage, scene.Device.Id, 0u, 5u, PageFaultPermission.Read, 0xabc000UL, 0u, 1u), (record.Flags, record.DevId, record.Pasid, record.GrpId, record.Perm, record.Addr, record.Length, record.Cookie));
        Assert.False(scene.File.IsReadable);
        Assert.Equal(8, scene.Write((1, 0)));
        Assert.Equal((Last, PageResponseCode.Success), Assert.Single(scene.Hardware.Answers));
        Assert.Equal(-(long)Errno.Invalid, scene.Write((1, 0)));
    }

    [Fact]
    public void ReadsHaveRules()
    {
        using var scene = new Scene();
        Assert.Equal(0, scene.Read(0));
        Assert.Equal(-(long)Errno.IllegalSeek, scene.Read(39));
        Assert.Equal(0, scene.File.Read(scene.World.Client, scene.World.Pages.End, 40)); // nothing to deliver
        scene.Hardware.Report(Last);
        Assert.Equal(-(long)Errno.Invalid, scene.Read(0));
        Assert.Equal(-(long)Errno.BadAddress, scene.File.Read(scene.World.Client, scene.World.Pages.End, 40));
        Assert.Equal(-(long)Errno.BadAddress, scene.File.Read(scene.World.Client, ulong.MaxValue - 79, 40));
        Assert.Equal(-(long)Errno.BadAddress, scene.File.Read(scene.World.Client, scene.World.Pages.Address, ulong.MaxValue));
        Assert.True(scene.File.IsReadable);
        scene.Hardware.Report(Last with { Address = 1 });
        Assert.Equal(40, scene.File.Read(scene.World.Client, scene.World.Pages.End - 40, 80)); // the second one stays
        Assert.Equal(40, scene.Read(40));
        Assert.Equal(1UL, scene.World.Pages.At<PageFaultRecord>(World.DataOffset).Addr);
        Assert.Equal(2u, scene.World.Pages.At<PageFaultRecord>(World.DataOffset).Cookie);
    }

    [Fact]
    public void AGroupIsDeliveredWhole()
    {
        using var scene = new Scene();
        PageFault part = Last with { Flags = PageFaultFlags.None };
        scene.Hardware.Report(part with { Address = 1 });
        scene.Hardware.Report(part with { Address = 2, GroupId = 6 });
        scene.Hardware.Report(part with { Address = 3 });
        Assert.False(scene.File.IsReadable);
        scene.Hardware.Report(Last);
        Assert.Equal(-(long)Errno.Invalid, scene.Read(80));
        Assert.Equal(120, scene.Read(160));
        ReadOnlySpan<PageFaultRecord> records = MemoryMarshal.Cast<byte, PageFaultRecord>(scene.World.Pages.Bytes.Slice(World.DataOffset, 120));
        Assert.Equal([1UL, 3UL, 0xabc000UL], [records[0].Addr, records[1].Addr, records[2].Addr]);
        Assert.Equal([1u, 1u, 1u], [records[0].Cookie, records[1].Cookie, records[2].Cookie]);
    }

    [Fact]
    public void AnswersHaveRules()
    {
        using var scene = new Scene();
        for (int i = 0; i < 3; i++)
        {
            scene.Hardware.Report(Last);
        }

        Assert.Equal(120, scene.Read(120));
        Assert.Equal(-(long)Errno.IllegalSeek, scene.File.Write(scene.World.Client, scene.World.Data, 7));
        Assert.Equal(0, scene.File.Write(scene.World.Client, scene.World.Data, 0));
        Assert.Equal(-(long)Errno.BadAddress, scene.File.Write(scene.World.Client, scene.World.Pages.End, 8));
        Assert.Equal(-(long)Errno.Invalid, scene.Write((1, 2)));
        Assert.Equal(-(long)Errno.Invalid, scene.Write((4, 0)));
        Assert.Equal(8, scene.Write((2, 1), (9, 0))); // up to the first that makes no sense
        Assert.Equal(PageResponseCode.Invalid, Assert.Single(scene.Hardware.Answers).Code);
        scene.Hardware.Report(Last);
        Assert.Equal(40, scene.Read(40));
        Assert.Equal(2u, scene.World.Pages.At<PageFaultRecord>(World.DataOffset).Cookie); // the lowest free one again
    }

    [Fact]
    public void DetachingAnswersWhatIsOpen()
    {
        using var scene = new Scene();
        scene.Hardware.Report(Last);
        Assert.Equal(40, scene.Read(40));
        scene.Hardware.Report(Last with { Address = 2 });
        scene.Detach();
        Assert.Equal([PageResponseCode.Invalid, PageResponseCode.Invalid], scene.Hardware.Answers.Select(answer => answer.Code));
        Assert.False(scene.File.IsReadable);
        Assert.Equal(0, scene.Hardware.FaultUsers);
        Assert.Equal(-(long)Errno.Invalid, scene.Write((1, 0)));

        // Nobody takes faults of a detached device.
        Assert.Equal(Errno.Invalid, scene.Hardware.Report(Last));
        Assert.Equal(3, scene.Hardware.Answers.Count);
    }

    [Fact]
    public void MovingToAnotherHwptAnswersWhatWasAskedThroughTheOldOne()
    {
        using var scene = new Scene();
        scene.Hardware.Report(Last);
        uint other = scene.World.Nested(scene.Device, scene.Parent, scene.QueueId);
        Assert.Equal(Errno.Success, scene.Device.Replace(ref other));
        Assert.Single(scene.Hardware.Answers);
        Assert.Equal(1, scene.Hardware.FaultUsers);
        scene.Hardware.Report(Last);
        Assert.True(scene.File.IsReadable);
        uint plain = scene.Parent;
        Assert.Equal(Errno.Success, scene.Device.Replace(ref plain));
        Assert.Equal(2, scene.Hardware.Answers.Count);
        Assert.Equal(0, scene.Hardware.FaultUsers);
    }

    [Fact]
    public void AFaultWithAPasidBelongsToTheGuestsTable()
    {
        using var scene = new Scene();
        PageFault fault = Last with { Flags = PageFaultFlags.LastPage | PageFaultFlags.PasidValid, Pasid = 1 };
        Assert.Equal(Errno.Success, scene.Hardware.Report(fault));
        Assert.Equal(40, scene.Read(40));
        Assert.Equal(1u, scene.World.Pages.At<PageFaultRecord>(World.DataOffset).Pasid);
        uint plain = scene.Parent;
        Assert.Equal(Errno.Success, scene.Device.Replace(ref plain));
        Assert.Equal(Errno.Invalid, scene.Hardware.Report(fault));
    }

    [Fact]
    public void ADeviceThatCannotAskForPagesIsNotAttached()
    {
        using var scene = new Scene();
        uint nested = scene.Nested;
        DeviceObject none = scene.World.Bind(new FakeDevice(scene.World.Engine) { FaultsAnswer = Errno.NoDevice });
        Assert.Equal(Errno.NoDevice, none.Attach(ref nested));
        DeviceObject function = scene.World.Bind(new FakeDevice(scene.World.Engine) { Virtual = true });
        Assert.Equal(Errno.Invalid, function.Attach(ref nested));
        var refusing = new FakeDevice(scene.World.Engine) { AttachAnswer = Errno.Busy };
        DeviceObject busy = scene.World.Bind(refusing);
        Assert.Equal(Errno.Busy, busy.Attach(ref nested));
        Assert.Equal(0, refusing.FaultUsers);
        none.Unbind();
        function.Unbind();
        busy.Unbind();
    }

    [Fact]
    public void ManyThreadsReportReadAnswerAndDetachWithoutLosingAFault()
    {
        using var scene = new Scene();
        const int Faults = 3000;
        using var stop = new ManualResetEventSlim();
        var reader = new Thread(() =>
        {
            while (!stop.IsSet || scene.File.IsReadable)
            {
                if (scene.Queue.TryTake(out _, out uint cookie))
                {
                    scene.Queue.Answer(cookie, PageResponseCode.Success);
                }
            }
        });
        reader.Start();
        for (int i = 0; i < Faults; i++)
        {
            scene.Hardware.Report(Last with { Address = (ulong)i });
            if (i % 100 == 99)
            {
                scene.Detach();
                scene.Attach();
            }
        }

        stop.Set();
        reader.Join();
        scene.Detach();
        Assert.Equal(Enumerable.Range(0, Faults).Select(i => (ulong)i), scene.Hardware.Answers.Select(answer => answer.Fault.Address).Order());
    }

    private static (uint Id, uint Fd) Queue(World world)
    {
        FaultAllocCommand command = default;
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.FaultQueueAlloc, ref command));
        return (command.OutFaultId, command.OutFaultFd);
    }

    /// <summary>A device that is attached to a nested hwpt with a fault queue.</summary>
    private sealed class Scene : IDisposable
    {
        private bool _isAttached;

        internal Scene()
        {
            (QueueId, uint fd) = Queue(World);
            File = World.Client.File(fd);
            Queue = World.Held<FaultQueue>(QueueId);
            Hardware = new FakeDevice(World.Engine);
            Device = World.Bind(Hardware);
            uint ioas = World.Ioas();
            Parent = World.Hwpt(Device, ioas, HwptAllocFlags.NestParent);
            Nested = World.Nested(Device, Parent, QueueId);
            Attach();
        }

        internal World World { get; } = new();

        internal FakeDevice Hardware { get; }

        internal DeviceObject Device { get; }

        internal FaultQueue Queue { get; }

        internal OpenFile File { get; }

        internal uint QueueId { get; }

        internal uint Parent { get; }

        internal uint Nested { get; }

        internal void Attach()
        {
            uint id = Nested;
            Assert.Equal(Errno.Success, Device.Attach(ref id));
            _isAttached = true;
        }

        internal void Detach()
        {
            Device.Detach();
            _isAttached = false;
        }

        internal long Read(ulong count) => File.Read(World.Client, World.Data, count);

        internal long Write(params (uint Cookie, uint Code)[] answers)
        {
            for (int i = 0; i < answers.Length; i++)
            {
                World.Pages.At<PageResponseRecord>(World.DataOffset + (8 * i)) = new PageResponseRecord { Cookie = answers[i].Cookie, Code = (PageResponseCode)answers[i].Code };
            }

            return File.Write(World.Client, World.Data, (ulong)answers.Length * 8);
        }

        public void Dispose()
        {
            if (_isAttached)
            {
                Detach();
            }

            Device.Unbind();
            World.Dispose();
        }
    }
}
