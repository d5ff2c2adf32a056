using System.Diagnostics;
using System.Globalization;
using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>An NVMe driver in C that knows nothing of the engine: it works, it is stopped where it errs, and it can die at any moment.</summary>
[Collection("doors")]
public sealed class NvmeDriverTests
{
    private const int MicrosecondsLast = 30_000; // a round takes about as long
    private const long KibibytesMore = 32 << 10;
    private const int WarmCycles = 10;

    private static readonly Lazy<string> Program = new(() => EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "../../drivers/nvme.c")));

    // FASTIOVA_KILL_CYCLES=500 is the long form.
    private static readonly int Cycles = int.TryParse(Environment.GetEnvironmentVariable("FASTIOVA_KILL_CYCLES"), out int cycles) ? cycles : 30;

    [Theory]
    [InlineData("cdev", "private")]
    [InlineData("cdev", "shared")]
    [InlineData("group", "private")]
    [InlineData("group", "shared")]
    public void ItWritesAndReadsBlocksOnEveryWay(string way, string memory)
    {
        using VfioSite site = Site();
        site.Run("once", way, memory);
        site.AssertIsClean();
        Assert.Empty(site.Faults);
    }

    [Theory]
    [InlineData("outside", "cdev", "private")]
    [InlineData("outside", "group", "shared")]
    [InlineData("readonly", "cdev", "private")]
    [InlineData("readonly", "cdev", "shared")]
    [InlineData("readonly", "group", "private")]
    [InlineData("readonly", "group", "shared")]
    [InlineData("unmapped", "cdev", "private")]
    [InlineData("unmapped", "cdev", "shared")]
    [InlineData("unmapped", "group", "private")]
    [InlineData("unmapped", "group", "shared")]
    [InlineData("detached", "cdev", "private")]
    [InlineData("detached", "cdev", "shared")]
    public void WhatItMustNotReachIsRefusedSeenAndCounted(string what, string way, string memory)
    {
        // The driver itself looks whether its device noticed, and whether the memory is as it was.
        using VfioSite site = Site();
        site.Run("refused", what, way, memory);

        (FaultReason reason, ulong iova, Permission wanted) = what switch
        {
            "outside" => (FaultReason.NotMapped, 0x700_0000UL, Permission.Write),
            "readonly" => (FaultReason.PermissionDenied, 0x40_6000UL, Permission.Write),
            "unmapped" => (FaultReason.NotMapped, 0x40_6000UL, Permission.Write),
            _ => (FaultReason.NotAttached, 0x40_0000UL, Permission.Read),
        };
        (PciAddress device, Fault fault) = Assert.Single(site.Faults);
        Assert.Equal((site.Device.Address, reason, iova, wanted), (device, fault.Reason, fault.Iova, fault.Wanted));
        Assert.Equal([1, 0], site.Devices.Select(one => one.Faults));
        site.AssertIsClean();
    }

    [Fact]
    public void TheCommandSaysWhatWasRefusedAndCountsItByDevice()
    {
        string log = Path.GetTempFileName();
        try
        {
            using var output = new StringWriter();
            using var error = new StringWriter();
            string[] words = ["run", "--log", log, "--device", "nvme,memory=1M", "--device", "edu", "--", Program.Value, "refused", "outside", "cdev", "private"];

            Assert.Equal(0, FastIova.Cli.Program.Run(words, output, error));

            const string Refused = "fastiova: 0000:01:00.0: DMA refused: NotMapped at IOVA 0x7000000, Write wanted, device 256, no PASID";
            Assert.Equal([Refused, "fastiova: DMA refused in all: 0000:01:00.0: 1."], error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
            string logged = Assert.Single(File.ReadAllLines(log));
            Assert.All(["0000:01:00.0", "NotMapped", "0x7000000"], word => Assert.Contains(word, logged, StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(log);
        }
    }

    [Fact]
    public void NothingIsLeftOfItWhereverItIsKilledAndTheNextOneWorksAtOnce()
    {
        using VfioSite site = Site();
        var random = new Random(500);
        int descriptors = 0;
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            using (Process driver = site.Start("endless"))
            {
                ClientDeathTests.KillSoon(driver, random, MicrosecondsLast);
                Assert.Equal(128 + 9, driver.ExitCode);
            }

            // Nothing waits for the engine to have cleaned up: that is its own affair.
            if (cycle % 4 == 0)
            {
                site.Run("once", cycle % 8 == 0 ? "cdev" : "group", "private");
            }

            site.AssertIsClean();
            descriptors = cycle == 0 ? DoorFuzzTests.CountDescriptors() : descriptors;
        }

        DoorFuzzTests.AssertSettles(() => DoorFuzzTests.CountDescriptors() <= descriptors, "descriptors of the engine");

        // Private memory goes with its process; a device that is at work just then finds it gone, and nothing else.
        Assert.All(site.Faults, one => Assert.Equal(FaultReason.Remote, one.Fault.Reason));
    }

    [Fact]
    public void AnEngineThatServesManyOfThemWhichDieDoesNotGrow()
    {
        string folder = Directory.CreateTempSubdirectory("fastiova-test-").FullName;
        string socket = Path.Combine(folder, "engine");
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "fastiova"), ["serve", "--socket", socket, "--device", "nvme,memory=1M"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        using Process engine = Process.Start(start)!;
        try
        {
            Assert.NotNull(engine.StandardOutput.ReadLine());
            string[] about = File.ReadAllLines(ServeCommand.AboutPath(socket));
            var random = new Random(501);
            long warm = 0;
            for (int cycle = 0; cycle < Cycles; cycle++)
            {
                using Process driver = VfioSite.Start(Program.Value, about[0], about[1], "endless");
                ClientDeathTests.KillSoon(driver, random, MicrosecondsLast);
                warm = cycle <= WarmCycles ? ResidentKibibytes(engine.Id) : warm;
            }

            long last = ResidentKibibytes(engine.Id);
            Assert.True(last <= warm + KibibytesMore, string.Create(CultureInfo.InvariantCulture, $"The engine grew from {warm} to {last} KiB over {Cycles} cycles."));
            TestContext.Current.SendDiagnosticMessage(string.Create(CultureInfo.InvariantCulture, $"{Cycles} kills: {warm} KiB resident after the first {WarmCycles}, {last} at the end"));
            VfioSite.AssertGood(VfioSite.Start(Program.Value, about[0], about[1], "once", "group", "shared"));
            Terminal.Signal(engine.Id, 15);
            engine.WaitForExit();
            Assert.Equal(0, engine.ExitCode);
        }
        finally
        {
            if (!engine.HasExited)
            {
                engine.Kill();
            }

            Directory.Delete(folder, recursive: true);
        }
    }

    private static VfioSite Site() => new(Program, new NvmeModel(new NvmeModelOptions { MemoryBytes = 1 << 20 }), new EduModel());

    private static long ResidentKibibytes(int process)
    {
        string line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/status")).First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
