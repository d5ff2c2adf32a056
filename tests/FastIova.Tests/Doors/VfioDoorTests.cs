using System.Diagnostics;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Programs that drive a device of the engine; it is edu, behind an IOMMU of 48 bits.</summary>
[Collection("doors")]
public sealed class VfioDoorTests
{
    [Theory]
    [InlineData("drive")]
    [InlineData("look")]
    public void ADriverThatKnowsNothingOfTheEngineFindsItsDevice(string scenario)
    {
        using var site = new VfioSite();

        using Process driver = site.Start(scenario);
        string error = driver.StandardError.ReadToEnd();
        driver.WaitForExit();

        Assert.True(driver.ExitCode == 0, error);
        site.AssertIsClean();
        Assert.Equal(0, site.Faults);
    }

    [Fact]
    public void NothingIsLeftOfDriversThatWereKilledAndTheNextOneStartsAtOnce()
    {
        using var site = new VfioSite();
        var random = new Random(7);
        for (int cycle = 0; cycle < ClientDeathTests.Cycles; cycle++)
        {
            using Process driver = site.Start("endless");
            ClientDeathTests.KillSoon(driver, random);
            Assert.Equal(128 + 9, driver.ExitCode);
        }

        using Process last = site.Start("drive");
        string error = last.StandardError.ReadToEnd();
        last.WaitForExit();
        Assert.True(last.ExitCode == 0, error);
        site.AssertIsClean();
    }

    [Fact]
    public void ADriverInAContainerOfVfiosOwnGoesOnWhileItsAddressesAreSuspended()
    {
        using var site = new VfioSite(isStrict: true);
        site.Drive("container");
        site.Drive("drive");
        site.AssertIsClean();
        Assert.Equal(0, site.Faults);
    }

    [Fact]
    public void NothingIsLeftOfDriversThatWereKilledWithSuspendedAddresses()
    {
        using var site = new VfioSite(isStrict: true);
        var random = new Random(8);
        for (int cycle = 0; cycle < ClientDeathTests.Cycles; cycle++)
        {
            using Process driver = site.Start("container-endless");
            ClientDeathTests.KillSoon(driver, random);
        }

        site.Drive("container");
        site.AssertIsClean();
    }

    [Fact]
    public void ADriverOfADeviceWithoutAnIommuFindsItsMemoryByItsPhysicalAddress()
    {
        using var site = new VfioSite(isStrict: true, isNoIommu: true);
        site.Drive("bare");
        site.AssertIsClean();
        Assert.Equal(0, site.Faults);
    }

    private sealed class VfioSite : IDisposable
    {
        private static readonly Lazy<string> Program = new(() => EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "driver.c")));

        private readonly Engine _engine;
        private readonly VfioTopology _topology;
        private readonly ViewFolder _view = new();
        private readonly ProgramDoor _door;
        private readonly List<Exception> _defects = [];
        private readonly VfioDevice _device;

        internal VfioSite(bool isStrict = false, bool isNoIommu = false)
        {
            _engine = new Engine(new EngineOptions { StrictType1 = isStrict });
            _topology = new VfioTopology(_engine);
            _device = _topology.Add(group: null, new EduModel(new EduModelOptions { DmaMask = isNoIommu ? ulong.MaxValue : new EduModelOptions().DmaMask }), new VfioDeviceOptions { Address = new PciAddress(0, 1, 0), IsNoIommu = isNoIommu });
            DeviceView.Fill(_view, _topology);
            _door = new ProgramDoor(new DeviceNodes(_engine, _topology).Open, new EngineOptions(), socket: null, Complain) { ShowsDevices = true };
        }

        internal long Faults => _device.Faults;

        internal Process Start(string scenario)
        {
            var start = new ProcessStartInfo(Program.Value, [scenario]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
            start.Environment[DoorProtocol.Variable] = _door.Variable;
            start.Environment[DoorProtocol.ViewVariable] = _view.Root;
            start.Environment["LD_PRELOAD"] = GuestProgram.ShimPath;
            return Process.Start(start)!;
        }

        /// <summary>Runs a driver to its end.</summary>
        internal void Drive(string scenario)
        {
            using Process driver = Start(scenario);
            string error = driver.StandardError.ReadToEnd();
            driver.WaitForExit();
            Assert.True(driver.ExitCode == 0, error);
        }

        internal void AssertIsClean()
        {
            DoorFuzzTests.AssertSettles(() => _door.ClientCount == 0 && _door.DrainingCount == 0, "clients");
            DoorFuzzTests.AssertSettles(() => _door.Files.Count == 0, "files");
            DoorFuzzTests.AssertSettles(() => _engine.OpenContexts == 0, "contexts");
            Assert.Null(_device.Bound);
            DoorFuzzTests.AssertSettles(() => !_device.IsOpenForGroup, "devices");
            Assert.Equal(0, _engine.Physical.Pages);
            Assert.Equal(0, _door.TallyOf(0).LockedPages);
            Assert.False(_device.Function.IsBusMaster);
            Assert.Empty(_defects);
        }

        public void Dispose()
        {
            _door.Dispose();
            _view.Dispose();
            _topology.Dispose();
            _engine.Dispose();
        }

        private void Complain(Exception defect)
        {
            lock (_defects)
            {
                _defects.Add(defect);
            }
        }
    }
}
