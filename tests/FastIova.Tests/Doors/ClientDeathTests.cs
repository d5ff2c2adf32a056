using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Clients that are killed at any moment. FASTIOVA_KILL_CYCLES sets how many.</summary>
[Collection("doors")]
public sealed class ClientDeathTests
{
    internal static readonly int Cycles = int.TryParse(Environment.GetEnvironmentVariable("FASTIOVA_KILL_CYCLES"), out int cycles) ? cycles : 100;

    [Fact]
    public void NothingIsLeftOfFilesThatWereHeldByAKilledProcess()
    {
        using var echo = new EchoDoor();
        echo.Run("memory");
        int descriptors = DoorFuzzTests.CountDescriptors();
        var random = new Random(5);
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            using Process process = echo.Start("busy", Text(cycle));
            KillSoon(process, random);
        }

        DoorFuzzTests.AssertSettles(() => echo.Door.ClientCount == 0 && echo.Door.DrainingCount == 0, "clients");
        DoorFuzzTests.AssertSettles(() => echo.Door.Files.Count == 0 && EchoFile.OpenFiles == 0, "files");
        DoorFuzzTests.AssertSettles(() => echo.Door.Objects.Count == 0, "memory objects");
        DoorFuzzTests.AssertSettles(() => DoorFuzzTests.CountDescriptors() <= descriptors, "descriptors of the engine");
        Assert.Empty(echo.Defects);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NothingIsLeftOfAFileThatAProcessInheritedAndNeverUsed(bool lends)
    {
        using var echo = new EchoDoor { Lends = lends };
        using Process heir = Process.GetProcessById(int.Parse(echo.Run("bequeath"), CultureInfo.InvariantCulture));
        try
        {
            DoorFuzzTests.AssertSettles(() => echo.Door.ClientCount == 0, "clients");
            Assert.Equal((1, 1), (echo.Door.Files.Count, echo.Door.Objects.Count));
        }
        finally
        {
            heir.Kill();
        }

        DoorFuzzTests.AssertSettles(() => echo.Door.Files.Count == 0 && EchoFile.OpenFiles == 0, "files");
        DoorFuzzTests.AssertSettles(() => echo.Door.Objects.Count == 0, "memory objects");
        Assert.Empty(echo.Defects);
    }

    [Fact]
    public void NothingIsLeftOfAddressSpacesThatWereUsedByAKilledProcess()
    {
        var options = new EngineOptions { TestBackend = true };
        var defects = new List<Exception>();
        using var engine = new Engine(options);
        using var door = new ProgramDoor(new DeviceNodes(engine).Open, options, socket: null, Complain);
        string program = EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "guest.c"));
        var random = new Random(6);
        int descriptors = 0;
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            using Process process = EchoDoor.Start(door.Variable, program, Text(cycle));
            KillSoon(process, random);
            if (cycle == 0)
            {
                DoorFuzzTests.AssertSettles(() => door.ClientCount == 0 && engine.OpenContexts == 0, "clients of the first cycle");
                descriptors = DoorFuzzTests.CountDescriptors();
            }
        }

        DoorFuzzTests.AssertSettles(() => door.ClientCount == 0 && door.DrainingCount == 0, "clients");
        DoorFuzzTests.AssertSettles(() => door.Files.Count == 0, "files");
        DoorFuzzTests.AssertSettles(() => engine.OpenContexts == 0, "contexts");
        DoorFuzzTests.AssertSettles(() => door.Objects.Count == 0, "memory objects");
        DoorFuzzTests.AssertSettles(() => DoorFuzzTests.CountDescriptors() <= descriptors, "descriptors of the engine");
        Assert.Equal(0, door.TallyOf(0).LockedPages);
        Assert.True(defects.Count == 0, string.Join("\n", defects));

        void Complain(Exception defect)
        {
            lock (defects)
            {
                defects.Add(defect);
            }
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Kills a program at some moment after it has said that it begins.</summary>
    internal static void KillSoon(Process process, Random random, int microsecondsLast = 2000)
    {
        using StreamReader output = process.StandardOutput;
        using StreamReader errors = process.StandardError;
        int first = output.Read();
        Assert.True(first == 'b', first == 'b' ? null : errors.ReadToEnd());
        long end = Stopwatch.GetTimestamp() + (random.Next(microsecondsLast) * Stopwatch.Frequency / 1_000_000);
        while (Stopwatch.GetTimestamp() < end)
        {
            Thread.SpinWait(10);
        }

        // It has made itself a group of its own, with all its children.
        Terminal.Signal(-process.Id, 9);
        process.WaitForExit();
    }
}
