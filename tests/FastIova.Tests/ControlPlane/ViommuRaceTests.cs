using System.Runtime.InteropServices;
using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>What one thread ends while another one uses it. Each call has a struct of its own in memory of this process.</summary>
public sealed class ViommuRaceTests
{
    private const int Rounds = 2000;

    [Fact]
    public void EventsThatRaceTheEndOfTheirQueueAreReadOrRefused()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        world.Vdevice(viommu, 0x99);
        Assert.Equal(Errno.Success, world.Replace(world.Nested(viommu)));
        bool isOver = false;
        int taken = 0;
        int read = 0;
        Crew.Run(
            () =>
            {
                for (int round = 0; round < Rounds; round++)
                {
                    var alloc = new VeventqAllocCommand { ViommuId = viommu, Type = TestConstants.VeventqType, VeventqDepth = 4 };
                    Assert.Equal(Errno.Success, Do(world, IommufdRequest.VeventqAlloc, ref alloc));
                    OpenFile file = world.World.Client.File(alloc.OutVeventqFd);
                    read += file.IsReadable ? 1 : 0;
                    world.World.Client.Close((int)alloc.OutVeventqFd);
                    Assert.Equal(Errno.Success, Do(world, IommufdRequest.Destroy, new DestroyCommand { Id = alloc.OutVeventqId }));
                }

                Volatile.Write(ref isOver, true);
            },
            () =>
            {
                while (!Volatile.Read(ref isOver))
                {
                    Errno errno = Do(world, IommufdRequest.TestCmd, new TestCommand { Op = TestOp.TriggerVevent, TriggerVevent = { DevId = world.Device } });
                    Assert.True(errno is Errno.Success or Errno.NotSupported, $"{errno}");
                    taken += errno == Errno.Success ? 1 : 0;
                }
            });
        Assert.True(read <= taken, $"{read} events were read, {taken} reported.");
    }

    [Fact]
    public void InvalidationThatRacesTheEndOfADeviceFindsItOrNot()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        bool isOver = false;
        Crew.Run(
            () =>
            {
                for (int round = 0; round < Rounds; round++)
                {
                    var command = new TestCommand { Op = TestOp.MockDomain, Id = world.Ioas };
                    Assert.Equal(Errno.Success, Do(world, IommufdRequest.TestCmd, ref command));
                    var vdevice = new VdeviceAllocCommand { ViommuId = viommu, DevId = command.MockDomain.OutIdevId, VirtId = 5 };
                    Assert.Equal(Errno.Success, Do(world, IommufdRequest.VdeviceAlloc, ref vdevice));
                    Errno first = (round & 1) == 0 ? Do(world, IommufdRequest.Destroy, new DestroyCommand { Id = vdevice.OutVdeviceId }) : Errno.Success;
                    Assert.Equal(Errno.Success, first);
                    Assert.Equal(Errno.Success, Do(world, IommufdRequest.Destroy, new DestroyCommand { Id = command.MockDomain.OutStdevId }));
                }

                Volatile.Write(ref isOver, true);
            },
            () =>
            {
                using UserPages entry = new(1);
                entry.At<TestViommuInvalidate>(0) = new TestViommuInvalidate { VdevId = 5, Flags = 1 };
                while (!Volatile.Read(ref isOver))
                {
                    var command = new HwptInvalidateCommand
                    {
                        HwptId = viommu,
                        DataUptr = entry.Address,
                        DataType = TestConstants.ViommuInvalidateDataType,
                        EntryLen = 12,
                        EntryNum = 1,
                    };
                    Errno errno = Do(world, IommufdRequest.HwptInvalidate, ref command);
                    Assert.Equal(errno is Errno.Success ? 1u : 0u, command.EntryNum);
                    Assert.True(errno is Errno.Success or Errno.Invalid, $"{errno}");
                }
            });
    }

    [Fact]
    public void ADeviceAndItsVirtualOneCanEndAtTheSameTime()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        int tombstones = 0;
        for (int round = 0; round < Rounds / 10; round++)
        {
            (uint mock, uint device) = world.AddDevice();
            uint vdevice = world.Vdevice(viommu, 5, device);
            var byUser = Errno.Success;
            Crew.Run(
                () => byUser = Do(world, IommufdRequest.Destroy, new DestroyCommand { Id = vdevice }),
                () => Assert.Equal(Errno.Success, Do(world, IommufdRequest.Destroy, new DestroyCommand { Id = mock })));
            Assert.True(byUser is Errno.Success or Errno.NotFound or Errno.Busy, $"{byUser}");
            tombstones += byUser == Errno.Success ? 0 : 1;
        }

        Assert.Equal(Errno.Success, world.World.Destroy(viommu));
        Assert.InRange(tombstones, 0, Rounds / 10);
    }

    [Fact]
    public void AMappingThatRacesTheEndOfItsOwnerIsWholeOrRefused()
    {
        using var world = new VirtualWorld();
        bool isOver = false;
        Crew.Run(
            () =>
            {
                using UserPages data = new(1);
                for (int round = 0; round < Rounds / 10; round++)
                {
                    data.At<TestViommu>(0) = new TestViommu { InData = 0x77 };
                    var command = new ViommuAllocCommand { Type = VirtualWorld.MockType, DevId = world.Device, HwptId = world.Parent, DataLen = 24, DataUptr = data.Address };
                    Assert.Equal(Errno.Success, Do(world, IommufdRequest.ViommuAlloc, ref command));
                    SpinWait.SpinUntil(() => Do(world, IommufdRequest.Destroy, new DestroyCommand { Id = command.OutViommuId }) == Errno.Success);
                }

                Volatile.Write(ref isOver, true);
            },
            () =>
            {
                while (!Volatile.Read(ref isOver))
                {
                    if (world.Map(0x1000, 0x2000, out FileMapping? mapping) == Errno.Success)
                    {
                        Assert.Equal(0x77u, MemoryMarshal.Read<uint>(mapping!.Bytes));
                        mapping.Dispose();
                    }
                }
            });
    }

    private static Errno Do<T>(VirtualWorld world, IommufdRequest request, T command)
        where T : unmanaged => Do(world, request, ref command);

    private static Errno Do<T>(VirtualWorld world, IommufdRequest request, ref T command)
        where T : unmanaged
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<T>(ref command));
        MemoryMarshal.Write(bytes, (uint)bytes.Length);
        return (Errno)(-world.World.Context.Run(world.World.Client, (uint)request, new CallArgument(bytes)));
    }
}
