using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Mappings of clients, however they go.</summary>
[Collection("doors")]
public sealed class ClientMappingTests : IDisposable
{
    private static readonly Lazy<string> Program = new(() => EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "viommu.c")));
    private static readonly EngineOptions Options = new() { TestBackend = true };

    private readonly List<Exception> _defects = [];
    private readonly Engine _engine = new(Options);
    private readonly ProgramDoor _door;

    public ClientMappingTests() => _door = new ProgramDoor(new DeviceNodes(_engine).Open, Options, socket: null, Complain);

    [Fact]
    public void AMappingKeepsItsOwnerUntilNothingOfItIsMappedAnywhere()
    {
        using Process process = Start("mapping");
        string complaints = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, complaints);
        AssertNothingIsLeft();
    }

    [Fact]
    public void NothingIsLeftOfAProcessThatIsKilledWithLiveMappingsAndQueues()
    {
        int descriptors = 0;
        for (int round = 0; round < 10; round++)
        {
            using Process process = Start("hold");
            AwaitByte(process);
            Assert.Equal(1, _door.Files.Mappings.Count);
            Assert.Equal(1, _engine.OpenContexts);
            process.Kill();
            process.WaitForExit();
            process.StandardOutput.Dispose(); // what was read from, the process leaves to the collector
            AssertNothingIsLeft();
            descriptors = round == 0 ? DoorFuzzTests.CountDescriptors() : descriptors;
        }

        DoorFuzzTests.AssertSettles(() => DoorFuzzTests.CountDescriptors() <= descriptors, "descriptors of the engine");
    }

    [Fact]
    public void NothingIsLeftOfVirtualIommusThatWereUsedByAKilledProcess()
    {
        var random = new Random(7);
        int descriptors = 0;
        for (int cycle = 0; cycle < ClientDeathTests.Cycles; cycle++)
        {
            using Process process = EchoDoor.Start(_door.Variable, Program.Value, "busy", cycle.ToString(CultureInfo.InvariantCulture));
            ClientDeathTests.KillSoon(process, random);
            if (cycle == 0)
            {
                AssertNothingIsLeft();
                descriptors = DoorFuzzTests.CountDescriptors();
            }
        }

        AssertNothingIsLeft();
        DoorFuzzTests.AssertSettles(() => DoorFuzzTests.CountDescriptors() <= descriptors, "descriptors of the engine");
    }

    [Fact]
    public void AMappingThatAChildInheritsKeepsTheContextWithoutAnyFile()
    {
        using Process process = Start("heir");
        AwaitByte(process);
        process.WaitForExit();
        DoorFuzzTests.AssertSettles(() => _door.ClientCount == 0, "clients");
        DoorFuzzTests.AssertSettles(() => _door.Files.Count == 0, "files");
        _door.Files.Sweep();
        Assert.Equal(1, _door.Files.Mappings.Count);
        Assert.Equal(1, _engine.OpenContexts);

        // The child unmaps and ends without a word: it is no client of the engine.
        process.StandardInput.Close();
        AssertNothingIsLeft();
    }

    [Fact]
    public void TheEndOfTheDoorEndsMappingsThatStillAre()
    {
        using Process process = Start("hold");
        AwaitByte(process);
        _door.Dispose();
        Assert.Equal(0, _engine.OpenContexts);
        process.Kill();
        process.WaitForExit();
    }

    public void Dispose()
    {
        _door.Dispose();
        _engine.Dispose();
        Assert.Empty(_defects);
    }

    private static void AwaitByte(Process process)
    {
        int first = process.StandardOutput.Read();
        Assert.True(first == 'b', first == 'b' ? null : process.StandardError.ReadToEnd());
    }

    private Process Start(string scenario)
    {
        var start = new ProcessStartInfo(Program.Value, [scenario])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[DoorProtocol.Variable] = _door.Variable;
        start.Environment["LD_PRELOAD"] = GuestProgram.ShimPath;
        return Process.Start(start)!;
    }

    private void AssertNothingIsLeft()
    {
        DoorFuzzTests.AssertSettles(() => _door.ClientCount == 0, "clients");
        DoorFuzzTests.AssertSettles(() => _door.Files.Count == 0, "files");
        DoorFuzzTests.AssertSettles(() => _door.Files.Mappings.Count == 0, "mappings");
        DoorFuzzTests.AssertSettles(() => _engine.OpenContexts == 0, "contexts");
        DoorFuzzTests.AssertSettles(() => _door.Objects.Count == 0, "memory objects");
        Assert.Equal(0, _door.TallyOf(0).LockedPages);
    }

    private void Complain(Exception defect)
    {
        lock (_defects)
        {
            _defects.Add(defect);
        }
    }
}
