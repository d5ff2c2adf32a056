using System.Diagnostics;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Clients that map files: the engine maps them too, and keeps nothing when they are gone.</summary>
[Collection("doors")]
public sealed class FileClientTests
{
    [Fact]
    public void NothingIsLeftOfTheFilesOfAKilledProcess()
    {
        using var world = new Door();
        int descriptors = -1;
        for (int cycle = 0; cycle < 5; cycle++)
        {
            using Process process = world.Start("hold");
            using StreamReader output = process.StandardOutput;
            using StreamReader errors = process.StandardError;
            int first = output.Read();
            Assert.True(first == 'b', first == 'b' ? null : errors.ReadToEnd());
            Assert.True(world.Program.Objects.Count > 0, "The engine has the client's file open.");
            Terminal.Signal(process.Id, 9);
            process.WaitForExit();
            DoorFuzzTests.AssertSettles(() => world.Program.ClientCount == 0 && world.Engine.OpenContexts == 0, "clients");
            DoorFuzzTests.AssertSettles(() => world.Program.Files.Count == 0, "files");
            DoorFuzzTests.AssertSettles(() => world.Program.Objects.Count == 0, "memory objects");
            descriptors = descriptors < 0 ? DoorFuzzTests.CountDescriptors() : descriptors;
            DoorFuzzTests.AssertSettles(() => DoorFuzzTests.CountDescriptors() <= descriptors, "descriptors of the engine");
        }

        Assert.Equal(0, world.Program.TallyOf(0).LockedPages);
        Assert.Empty(world.Defects);
    }

    [Fact]
    public void AChildTakesOverWhatItsParentIsChargedFor()
    {
        using var world = new Door();
        using Process process = world.Start("change");
        using StreamReader output = process.StandardOutput;
        string text = output.ReadToEnd();
        process.WaitForExit();
        Assert.Equal("parent 256\nchild 0, parent 256\nchange 0\nchild 256, parent 0\nchange 0\nparent 256\n", text);
        Assert.Empty(world.Defects);
    }

    private sealed class Door : IDisposable
    {
        private readonly EngineOptions _options = new() { TestBackend = true };

        internal Door()
        {
            Engine = new Engine(_options);
            Program = new ProgramDoor(new DeviceNodes(Engine).Open, _options, socket: null, Defects.Add);
        }

        internal Engine Engine { get; }

        internal ProgramDoor Program { get; }

        internal List<Exception> Defects { get; } = [];

        internal Process Start(string scenario) =>
            EchoDoor.Start(Program.Variable, EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "files.c")), scenario);

        public void Dispose()
        {
            Program.Dispose();
            Engine.Dispose();
        }
    }
}
