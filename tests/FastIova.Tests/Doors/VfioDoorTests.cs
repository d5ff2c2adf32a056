using System.Diagnostics;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Programs that drive a device of the engine; it is edu, behind an IOMMU of 48 bits.</summary>
[Collection("doors")]
public sealed class VfioDoorTests
{
    private static readonly Lazy<string> Program = new(() => EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "driver.c")));

    [Theory]
    [InlineData("drive")]
    [InlineData("look")]
    public void ADriverThatKnowsNothingOfTheEngineFindsItsDevice(string scenario)
    {
        using var site = new VfioSite(Program, new EduModel());

        using Process driver = site.Start(scenario);
        string error = driver.StandardError.ReadToEnd();
        driver.WaitForExit();

        Assert.True(driver.ExitCode == 0, error);
        site.AssertIsClean();
        Assert.Equal(0, site.Device.Faults);
    }

    [Fact]
    public void NothingIsLeftOfDriversThatWereKilledAndTheNextOneStartsAtOnce()
    {
        using var site = new VfioSite(Program, new EduModel());
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
        using VfioSite site = Site(isStrict: true);
        site.Run("container");
        site.Run("drive");
        site.AssertIsClean();
        Assert.Equal(0, site.Device.Faults);
    }

    [Fact]
    public void NothingIsLeftOfDriversThatWereKilledWithSuspendedAddresses()
    {
        using VfioSite site = Site(isStrict: true);
        var random = new Random(8);
        for (int cycle = 0; cycle < ClientDeathTests.Cycles; cycle++)
        {
            using Process driver = site.Start("container-endless");
            ClientDeathTests.KillSoon(driver, random);
        }

        site.Run("container");
        site.AssertIsClean();
    }

    [Fact]
    public void ADriverOfADeviceWithoutAnIommuFindsItsMemoryByItsPhysicalAddress()
    {
        using VfioSite site = Site(isStrict: true, isNoIommu: true);
        site.Run("bare");
        site.AssertIsClean();
        Assert.Equal(0, site.Device.Faults);
    }

    private static VfioSite Site(bool isStrict, bool isNoIommu = false) => new(
        Program,
        new EngineOptions { StrictType1 = isStrict },
        isNoIommu,
        new EduModel(new EduModelOptions { DmaMask = isNoIommu ? ulong.MaxValue : new EduModelOptions().DmaMask }));
}
