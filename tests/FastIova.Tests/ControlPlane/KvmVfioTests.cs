using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>The VFIO device of a virtual machine: its files, what they know of the machine, and whether caches matter.</summary>
public sealed class KvmVfioTests
{
    private static readonly object Machine = new();

    [Fact]
    public void AttributesAreCheckedInTheOrderOfLinux()
    {
        using var vfio = new VfioWorld();
        using var kvm = new KvmVfioDevice(vfio.World.Engine, Machine);
        OpenFile device = VfioWorld.Open(vfio.Add());
        int fd = vfio.World.Client.Install(device);

        Assert.Equal(Errno.NoSuchDevice, kvm.SetAttribute(vfio.World.Client, 2, KvmVfioDevice.FileAdd, 0));
        Assert.Equal(Errno.NoSuchDevice, kvm.SetAttribute(vfio.World.Client, KvmVfioDevice.FileGroup, 4, 0));
        Assert.Equal(Errno.NoSuchDevice, Set(vfio, kvm, KvmVfioDevice.SetSpaprTce, fd));
        Assert.Equal(Errno.NoSuchDevice, kvm.HasAttribute(KvmVfioDevice.FileGroup, KvmVfioDevice.SetSpaprTce));
        Assert.Equal(Errno.Success, kvm.HasAttribute(KvmVfioDevice.FileGroup, KvmVfioDevice.FileDelete));
        Assert.Equal(Errno.BadAddress, kvm.SetAttribute(vfio.World.Client, KvmVfioDevice.FileGroup, KvmVfioDevice.FileAdd, 0));
        Assert.Equal(Errno.BadDescriptor, Set(vfio, kvm, KvmVfioDevice.FileAdd, 9999));
        Assert.Equal(Errno.Invalid, Set(vfio, kvm, KvmVfioDevice.FileAdd, vfio.Iommufd));
        Assert.Equal(Errno.NotFound, Set(vfio, kvm, KvmVfioDevice.FileDelete, fd));
        Assert.Equal(Errno.NotFound, Set(vfio, kvm, KvmVfioDevice.FileDelete, vfio.Iommufd));
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileAdd, fd));
        Assert.Equal(Errno.AlreadyExists, Set(vfio, kvm, KvmVfioDevice.FileAdd, fd));
        Assert.Equal(1, kvm.AssignedDeviceCount);
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileDelete, fd));
        Assert.Equal(0, kvm.AssignedDeviceCount);
        vfio.World.Client.Close(fd);
    }

    [Fact]
    public void TablesAreLinkedToGroupsThatWereAdded()
    {
        using var vfio = new VfioWorld();
        int linked = 0;
        using var kvm = new KvmVfioDevice(vfio.World.Engine, Machine)
        {
            LinkTable = table =>
            {
                linked = table;
                return table == 7 ? Errno.Success : Errno.Invalid;
            },
        };
        VfioDevice device = vfio.Add();
        Assert.Equal(Errno.Success, VfioGroupFile.Open(vfio.Add("0000:02:00.0").Group, out VfioGroupFile? file));
        int group = vfio.World.Client.Install(file!);
        int alone = vfio.World.Client.Install(VfioWorld.Open(device));

        Assert.Equal(Errno.NotFound, Set(vfio, kvm, KvmVfioDevice.SetSpaprTce, group, 7));
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileAdd, group));
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileAdd, alone));
        Assert.Equal(Errno.InputOutput, Set(vfio, kvm, KvmVfioDevice.SetSpaprTce, alone, 7));
        Assert.Equal(0, linked);
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.SetSpaprTce, group, 7));
        Assert.Equal(7, linked);
        Assert.Equal(Errno.Invalid, Set(vfio, kvm, KvmVfioDevice.SetSpaprTce, group, 8));
        vfio.World.Client.Close(group);
        vfio.World.Client.Close(alone);
    }

    [Fact]
    public void AModelSeesTheMachineOfAFileThatWasAddedBeforeItBound()
    {
        using var vfio = new VfioWorld();
        using var kvm = new KvmVfioDevice(vfio.World.Engine, Machine);
        VfioDevice device = vfio.Add();
        PciDeviceHost host = VfioWorld.ModelOf(device).Host!;
        OpenFile early = VfioWorld.Open(device);
        int fd = vfio.World.Client.Install(early);

        Assert.Equal(0, vfio.Bind(early));
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileAdd, fd));
        Assert.Null(host.VirtualMachine);
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileDelete, fd));
        vfio.World.Client.Close(fd);

        OpenFile late = VfioWorld.Open(device);
        fd = vfio.World.Client.Install(late);
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileAdd, fd));
        Assert.Equal(0, vfio.Bind(late));
        Assert.Same(Machine, host.VirtualMachine);

        // The machine keeps the file, and with it the device.
        vfio.World.Client.Close(fd);
        Assert.NotNull(device.Bound);
        kvm.Dispose();
        Assert.Null(device.Bound);
        Assert.Null(host.VirtualMachine);
        Assert.Equal(0, kvm.AssignedDeviceCount);
    }

    [Fact]
    public void AGroupHandsTheMachineToItsDevices()
    {
        using var vfio = new VfioWorld();
        using var kvm = new KvmVfioDevice(vfio.World.Engine, Machine);
        VfioDevice device = vfio.Add();
        Assert.Equal(Errno.Success, VfioGroupFile.Open(device.Group, out VfioGroupFile? file));
        int group = vfio.World.Client.Install(file!);
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileAdd, group));
        long fd = vfio.DeviceOf(file!, "0000:01:00.0");
        Assert.True(fd >= 0);

        Assert.Same(Machine, VfioWorld.ModelOf(device).Host!.VirtualMachine);
        vfio.World.Client.Close((int)fd);
        Assert.Null(VfioWorld.ModelOf(device).Host!.VirtualMachine);
        vfio.World.Client.Close(group);
        Assert.Equal(Errno.Busy, VfioGroupFile.Open(device.Group, out _));
        kvm.Dispose();
        Assert.Equal(Errno.Success, VfioGroupFile.Open(device.Group, out file));
        file!.Close();
    }

    [Fact]
    public void CachesMatterWhileOneFileIsNotCoherentUnlessTheMachineKnowsBetter()
    {
        using var vfio = new VfioWorld();
        var coherent = new DeviceOptions { EnforcesCoherency = true };
        var seen = new List<(int, bool, bool)>();
        using var kvm = new KvmVfioDevice(vfio.World.Engine, Machine) { OnChanged = changed => seen.Add((changed.AssignedDeviceCount, changed.HasIncoherentDma, changed.ExecutesWbinvd)) };
        int good = vfio.World.Client.Install(VfioWorld.Open(vfio.Add("0000:01:00.0", iommu: coherent)));
        int bad = vfio.World.Client.Install(VfioWorld.Open(vfio.Add("0000:02:00.0")));

        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileAdd, good));
        Assert.False(kvm.ExecutesWbinvd);
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileAdd, bad));
        Assert.True(kvm is { HasIncoherentDma: true, ExecutesWbinvd: true });
        kvm.Wbinvd = WbinvdPolicy.Never;
        Assert.True(kvm is { HasIncoherentDma: true, ExecutesWbinvd: false });
        kvm.Wbinvd = WbinvdPolicy.Never;
        Assert.Equal(Errno.Success, Set(vfio, kvm, KvmVfioDevice.FileDelete, bad));
        kvm.Wbinvd = WbinvdPolicy.Always;
        Assert.Equal([(1, false, false), (2, true, true), (2, true, false), (1, false, false), (1, false, true)], seen);
        vfio.World.Client.Close(good);
        vfio.World.Client.Close(bad);
    }

    [Fact]
    public void AGroupIsCoherentWhenAllOfItIs()
    {
        using var vfio = new VfioWorld();
        var coherent = new DeviceOptions { EnforcesCoherency = true };
        VfioDevice one = vfio.Add("0000:01:00.0", 3, iommu: coherent);
        Assert.Equal(Errno.Success, VfioGroupFile.Open(one.Group, out VfioGroupFile? file));
        Assert.True(file!.IsEnforcedCoherent);
        vfio.Add("0000:01:01.0", 3);
        Assert.False(file.IsEnforcedCoherent);
        file.Close();
    }

    [Theory]
    [InlineData(true, true, 1, true)]
    [InlineData(true, false, 0, true)] // a table for a coherent device takes no other
    [InlineData(false, true, 0, false)] // one that is not coherent takes both
    public void CoherencyBelongsToADeviceAndItsTable(bool first, bool second, int containerIsCoherent, bool isSecondApart)
    {
        using var vfio = new VfioWorld();
        OpenFile one = vfio.Bound(vfio.Add("0000:01:00.0", iommu: new DeviceOptions { EnforcesCoherency = first }));
        OpenFile two = vfio.Bound(vfio.Add("0000:02:00.0", iommu: new DeviceOptions { EnforcesCoherency = second }));
        uint ioas = vfio.World.Ioas();
        Assert.Equal(Errno.Success, vfio.World.Do(IommufdRequest.VfioIoas, new VfioIoasCommand { Op = VfioIoasOp.Set, IoasId = ioas }));

        Assert.Equal(0, vfio.Attach(one, ioas, out uint mine));
        Assert.Equal(first ? 1 : 0, Extension(vfio));
        Assert.Equal(0, vfio.Attach(two, ioas, out uint other));
        Assert.Equal(isSecondApart && !second, mine != other);
        Assert.Equal(containerIsCoherent, Extension(vfio));
        Assert.Equal(!second && first ? -(long)Errno.Invalid : 0, vfio.Attach(two, mine, out _));

        // It comes back when the incoherent one has gone elsewhere.
        uint away = vfio.World.Ioas();
        Assert.Equal(0, vfio.Attach(two, away, out _));
        Assert.Equal(first ? 1 : 0, Extension(vfio));
        one.Close();
        two.Close();
    }

    private static long Extension(VfioWorld vfio) => vfio.World.Context.Ioctl(vfio.World.Client, (uint)VfioRequest.CheckExtension, (ulong)VfioExtension.DmaCc);

    private static Errno Set(VfioWorld vfio, KvmVfioDevice kvm, ulong attribute, params int[] numbers)
    {
        for (int i = 0; i < numbers.Length; i++)
        {
            vfio.World.Pages.At<int>(World.DataOffset + (i * sizeof(int))) = numbers[i];
        }

        return kvm.SetAttribute(vfio.World.Client, KvmVfioDevice.FileGroup, attribute, vfio.World.Data);
    }
}
