using System.Text;
using FastIova.Cli;
using FastIova.Tests.Architecture;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class TopologyFileTests
{
    [Fact]
    public void TheSampleOfTheDocumentationSaysWhatItsPageSays()
    {
        List<(int Line, DeviceOrder Order)> devices = TopologyFile.Read(Path.Combine(SourceTree.Root, "docs", "topology.json"));

        Assert.Equal(["nvme", "edu", "testdev", "edu"], devices.Select(device => device.Order.Model), StringComparer.Ordinal);
        Assert.Equal([5, 8, 9, 12], devices.Select(device => device.Line));
        DeviceOrder[] orders = [.. devices.Select(device => device.Order)];
        Assert.Equal((20, true, "64M"), (orders[0].Made.Iommu.PasidLog2, orders[0].Made.Iommu.EnforcesCoherency, orders[0].Options["memory"]));
        Assert.Equal((26, (1UL << 39) - 1), (orders[1].Group, orders[1].Made.Iommu.Domain.Aperture.Last));
        Assert.True(orders[2].Made is { Migrates: true, LogsWrites: true, IsEmulated: false });
        Assert.True(orders[3].Made is { IsEmulated: true, Reset: VfioResetKind.Bus });
        Assert.Equal("0000:03:00.0", orders[3].Address.ToString());
    }

    [Fact]
    public void EveryOptionOfDeviceIsInTheTableOfTheDocumentation()
    {
        string page = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "topology.md"));
        Assert.All(DeviceOrder.Common, option => Assert.Contains($"| `{option.Name}` |", page, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{", "f:1: this is no JSON")]
    [InlineData("[]", "f:1: the file")]
    [InlineData("{}", "f:1: the list \"devices\" is missing")]
    [InlineData("{ \"devices\": [] } x", "f:1: this is no JSON")]
    [InlineData("{\n \"machines\": [] }", "f:2: property \"machines\": nobody knows it")]
    [InlineData("{ \"devices\": [],\n \"devices\": [] }", "f:2: property \"devices\": it stands twice")]
    [InlineData("{ \"devices\": {} }", "f:1: property \"devices\"")]
    [InlineData("{ \"devices\": [\n\n 7 ] }", "f:3: a device: 7 cannot stand here")]
    [InlineData("{ \"devices\": [\n { } ] }", "f:2: a device without a model")]
    [InlineData("{ \"devices\": [ {\n \"model\": \"floppy\" } ] }", "f:2: property \"model\": there is no model 'floppy'")]
    [InlineData("{ \"devices\": [ { \"model\": \"edu\",\n \"iova-bits\": 99 } ] }", "f:2: property \"iova-bits\": '99' cannot be iova-bits: give a number from 32 to 57")]
    [InlineData("{ \"devices\": [ { \"model\": \"edu\",\n \"bdf\": \"1.0\" } ] }", "f:2: property \"bdf\": '1.0' is no address")]
    [InlineData("{ \"devices\": [ { \"model\": \"edu\",\n \"coherent\": \"yes\" } ] }", "f:2: property \"coherent\": 'yes' cannot be coherent: use on or off")]
    [InlineData("{ \"devices\": [ { \"model\": \"edu\",\n \"reset\": \"big\" } ] }", "f:2: property \"reset\": 'big' cannot be reset: use function, bus, none")]
    [InlineData("{ \"devices\": [ { \"model\": \"edu\",\n \"group\": 1.5 } ] }", "f:2: property \"group\": 1.5 is no value")]
    [InlineData("{ \"devices\": [ { \"model\": \"edu\",\n \"group\": [] } ] }", "f:2: property \"group\": [ is no value")]
    [InlineData("{ \"devices\": [ { \"model\": \"edu\",\n \"model\": \"edu\" } ] }", "f:2: property \"model\": it stands twice")]
    public void WhatIsWrongIsSaidWithItsLine(string text, string said)
    {
        FormatException wrong = Assert.Throws<FormatException>(() => TopologyFile.Parse("f", Encoding.UTF8.GetBytes(text)));
        Assert.Contains(said, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ProgramsFindTheDevicesOfAFileAndThenThoseOfTheCommandLine()
    {
        const string Script = "test -c /dev/vfio/26 && test -c /dev/vfio/devices/vfio4 && test -d /sys/bus/pci/devices/0000:02:01.0 && test -d /sys/bus/pci/devices/0000:03:00.0";
        string sample = Path.Combine(SourceTree.Root, "docs", "topology.json");
        Assert.Equal(0, Run(["run", "--topology", sample, "--device", "testdev", "--", "sh", "-c", Script], out _));
    }

    [Fact]
    public void AFileThatCannotBeIsNamed()
    {
        string path = Path.GetTempFileName();
        try
        {
            Assert.Equal(2, Run(["run", "--topology", "/no-such-file", "--", "true"], out string error));
            Assert.Contains("'/no-such-file' cannot be read", error, StringComparison.Ordinal);
            File.WriteAllText(path, "{ \"devices\": [\n { \"model\": \"edu\", \"colour\": \"red\" } ] }");
            Assert.Equal(2, Run(["run", "--topology", path, "--", "true"], out error));
            Assert.Contains($"{path}:2: The device edu has no option colour", error, StringComparison.Ordinal);
            File.WriteAllText(path, "{ \"devices\": [ { \"model\": \"nvme\", \"memory\": \"1M\", \"migration\": true } ] }");
            Assert.Equal(2, Run(["run", "--topology", path, "--", "true"], out error));
            Assert.Contains("its model cannot be saved", error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static int Run(string[] words, out string error)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        int code = FastIova.Cli.Program.Run(words, output, errors);
        error = errors.ToString();
        return code;
    }
}
