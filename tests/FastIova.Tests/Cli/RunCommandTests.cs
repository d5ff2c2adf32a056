using Xunit;

namespace FastIova.Tests.Cli;

[Collection("doors")]
public sealed class RunCommandTests
{
    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 3", 3)]
    [InlineData("kill -TERM $$", 143)]
    [InlineData("kill -KILL $$", 137)]
    public void TheExitCodeIsTheProgramsAndSaysWhichSignalEndedIt(string script, int expected) =>
        Assert.Equal(expected, Run(["run", "--", "sh", "-c", script], out _, out _));

    [Fact]
    public void OptionsBehindTheProgramAreThePrograms() =>
        Assert.Equal(5, Run(["run", "--uapi", "6.12", "--", "sh", "-c", "test \"$1\" = --uapi && exit 5", "sh", "--uapi"], out _, out _));

    [Fact]
    public void AProgramThatDoesNotExistIsNamed()
    {
        Assert.Equal(127, Run(["run", "--", "no-such-program"], out _, out string error));
        Assert.Contains("'no-such-program'", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AReleaseThatIsUnknownIsNamedWithThoseThatAreKnown()
    {
        Assert.Equal(2, Run(["run", "--uapi", "5.4", "--", "true"], out _, out string error));
        Assert.Contains("'5.4'", error, StringComparison.Ordinal);
        Assert.Contains("6.12", error, StringComparison.Ordinal);
    }

    [Fact]
    public void ALimitOfLockedMemoryIsASize()
    {
        Assert.Equal(2, Run(["run", "--memlock", "12X", "--", "true"], out _, out string error));
        Assert.Contains("'12X'", error, StringComparison.Ordinal);
        Assert.Contains("unlimited", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AnEngineElsewhereHasItsOwnOptions()
    {
        Assert.Equal(2, Run(["run", "--socket", "engine.sock", "--test-backend", "--", "true"], out _, out string error));
        Assert.Contains("fastiova serve", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AnEngineElsewhereMustServe()
    {
        Assert.Equal(2, Run(["run", "--socket", "no-engine-here.sock", "--", "true"], out _, out string error));
        Assert.Contains("no-engine-here.sock", error, StringComparison.Ordinal);
    }

    [Fact]
    public void ASocketLiesInAFolderThatExists()
    {
        Assert.Equal(2, Run(["serve", "--socket", "/no-such-folder/socket"], out _, out string error));
        Assert.Contains("'/no-such-folder/socket'", error, StringComparison.Ordinal);
    }

    [Fact]
    public void DevicesAreListedWithTheirOptions()
    {
        Assert.Equal(0, Run(["devices"], out string output, out _));
        Assert.All(["edu", "nvme", "image", "testdev", "group", "bdf", "noiommu"], name => Assert.Contains(name, output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("floppy", "'floppy'")]
    [InlineData("edu,group=x", "group")]
    [InlineData("edu,bdf=1.0", "'1.0'")]
    [InlineData("edu,iova-bits=99", "iova-bits")]
    [InlineData("edu,colour=red", "colour")]
    [InlineData("edu,noiommu,noiommu", "twice")]
    [InlineData("edu,noiommu=1", "noiommu")]
    [InlineData("edu,noiommu,iova-bits=39", "iova-bits")]
    [InlineData("nvme", "image=")]
    [InlineData("nvme,image=/no-such-image", "/no-such-image")]
    public void ADeviceThatCannotBeIsNamed(string device, string named)
    {
        Assert.Equal(2, Run(["run", "--device", device, "--", "true"], out _, out string error));
        Assert.Contains(named, error, StringComparison.Ordinal);
    }

    [Fact]
    public void ProgramsFindDevicesWhereTheyWereAskedFor()
    {
        const string Script = "test -c /dev/vfio/7 && test -c /dev/vfio/devices/vfio2 && test -d /sys/bus/pci/devices/0000:05:01.0 && test -e /sys/kernel/iommu_groups/7/devices/0000:05:01.0 && test -d /sys/bus/pci/devices/0000:01:00.0";
        Assert.Equal(0, Run(["run", "--device", "edu", "--device", "testdev,group=7,bdf=0000:05:00.0", "--device", "testdev,group=7", "--", "sh", "-c", Script], out _, out _));
    }

    [Fact]
    public void AProgramFindsTheNodesOfADeviceWithoutAnIommu()
    {
        const string Script = "test -c /dev/vfio/noiommu-1 && test -c /dev/vfio/devices/noiommu-vfio1 && test -c /dev/vfio/devices/vfio0 && test \"$(cat /sys/kernel/iommu_groups/1/name)\" = vfio-noiommu && test \"$(cat /sys/module/vfio/parameters/enable_unsafe_noiommu_mode)\" = Y && test -d /sys/bus/pci/devices/0000:02:00.0/vfio-dev/noiommu-vfio1";
        Assert.Equal(0, Run(["run", "--type1-strict", "--device", "edu", "--device", "edu,noiommu", "--", "sh", "-c", Script], out _, out _));
    }

    [Theory]
    [InlineData("run", "--device", "--test-backend", "--type1-strict", "--uapi", "--socket", "--log", "PROGRAM")]
    [InlineData("serve", "--test-backend", "--type1-strict", "--uapi", "--socket", "--log", "SIGTERM")]
    public void TheHelpNamesEveryOption(string command, params string[] names)
    {
        Assert.Equal(0, Run([command, "--help"], out string output, out _));
        Assert.All(names, name => Assert.Contains(name, output, StringComparison.Ordinal));
    }

    private static int Run(string[] words, out string output, out string error)
    {
        using var outputs = new StringWriter();
        using var errors = new StringWriter();
        int code = FastIova.Cli.Program.Run(words, outputs, errors);
        output = outputs.ToString();
        error = errors.ToString();
        return code;
    }
}
