using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Programs at the socket of a service that speak its protocol without the shim, and mean no good. Others come and go as if they were not there.</summary>
[Collection("doors")]
public sealed class StrangerTests : IDisposable
{
    private const UnixFileMode Everybody = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute | UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private static readonly Lazy<string> Hostile = new(() => EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "hostile.c")));
    private static readonly Lazy<string> Shrink = new(() => EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "shrink.c")));

    private readonly string _folder = Directory.CreateTempSubdirectory("fastiova-stranger-").FullName;
    private readonly Engine _engine = new();
    private readonly List<Exception> _defects = [];
    private readonly List<Process> _started = [];
    private ProgramDoor? _door;

    private string SocketPath => Path.Combine(_folder, "engine.sock");

    public void Dispose()
    {
        foreach (Process process in _started)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        _door?.Dispose();
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void DescriptorsOfEveryKindAndNumberAreRefusedOrClosed()
    {
        Open(new DoorLimits());
        AssertOthersComeIn(); // what is made once is there
        AssertNothingIsLeft();
        int descriptors = DoorFuzzTests.CountDescriptors();
        Leave(Start("sent 637", "anything"));
        AssertNothingIsLeft();
        DoorFuzzTests.AssertSettles(() => DoorFuzzTests.CountDescriptors() <= descriptors, "descriptors of the engine");
    }

    [Fact]
    public void WhoLendsWithoutEndMeetsALimitAndLeavesNothing()
    {
        Open(new DoorLimits { User = new DoorShare { Files = 5 } });
        Process hostile = Start("lent 5", "lend", "50");
        Assert.Equal(45, _door!.Limits.FilesRefused.Count);
        Assert.Equal(5, _door.Objects.Count);
        Leave(hostile);
        AssertNothingIsLeft(); // though it was never a client, whose end would be seen
        AssertOthersComeIn();
    }

    [Fact]
    public void WhoHasManyCallsServedMeetsALimit()
    {
        Open(new DoorLimits { UserCalls = 9 });
        Process hostile = Start($"served 9 -{DoorProtocol.NoMemory}", "slots", "200");
        Assert.Equal(9, CallsInUse);
        Leave(hostile);
        AssertOthersComeIn();
        AssertNothingIsLeft();
    }

    [Fact]
    public void WhoConnectsWithoutAWordKeepsNobodyOut()
    {
        Open(new DoorLimits());
        Process hostile = Start("silent 600", "silent", "600");
        AssertOthersComeIn();
        Leave(hostile);
        AssertNothingIsLeft();
    }

    [Fact]
    public void ThoseWhoAreToldNoLaterKeepNobodyOut()
    {
        Open(new DoorLimits { Refusals = 0 });
        Process other = Start("served 1 0", "slots", "1");
        DoorFuzzTests.AssertSettles(() => CallsInUse == 1, "calls");
        int descriptors = DoorFuzzTests.CountDescriptors();
        Process[] rude = [Begin("rude", "600"), Begin("rude", "600")];
        Array.ForEach(rude, process => AssertSays("rude 600 closed 600", process));
        Assert.Equal(1200, _door!.Limits.RefusalsDelayed.Count);
        AssertOthersComeIn();
        Array.ForEach(rude, Leave);
        DoorFuzzTests.AssertSettles(() => DoorFuzzTests.CountDescriptors() <= descriptors, "descriptors of the engine");
        Leave(other);
        AssertNothingIsLeft();
    }

    [Fact]
    public void ADoorThatClosesTellsThoseWhoWaitForANo()
    {
        Open(new DoorLimits { Refusals = 0 });
        Process other = Start("served 1 0", "slots", "1");
        Process rude = Begin("rude", "50");
        DoorFuzzTests.AssertSettles(() => _door!.Limits.RefusalsDelayed.Count == 50, "refusals");
        _door!.Dispose();
        AssertSays("rude 50 closed 50", rude);
        Leave(rude);
        Leave(other);
    }

    [Fact]
    public void AConnectionWhoseMakerIsGoneMakesNobodyAClient()
    {
        Open(new DoorLimits());
        Leave(Start($"outlived -{DoorProtocol.NoSuchProcess}", "outlive"));
        AssertNothingIsLeft();
    }

    [Fact]
    public void ProgramsThatAreKilledInCallsThatCannotEndMeetALimitAndHoldNobodyUp()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "userfaultfd(2) is root's");
        Open(new DoorLimits { UserClients = 4 });
        Process hostile = Start($"stalled 4 -{DoorProtocol.TooManyFiles}", "stall", "30");
        Assert.Equal((0, 4), (_door!.ClientCount, CallsInUse));
        Leave(hostile); // what they wait for is gone with it
        DoorFuzzTests.AssertSettles(() => CallsInUse == 0, "calls");
        AssertOthersComeIn();
        AssertNothingIsLeft();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public void WhatAProgramWithMoreRightsHasIsNotReadForWhoStartedIt(string calls)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only an engine with more rights than its clients could be misused so");
        string program = Path.Combine(_folder, "target");
        File.Copy(Hostile.Value, program);
        File.SetUnixFileMode(program, Everybody & ~UnixFileMode.OtherWrite | UnixFileMode.SetUser);
        File.SetUnixFileMode(_folder, Everybody);
        Open(new DoorLimits());
        File.SetUnixFileMode(SocketPath, Everybody);
        Leave(Start("became 0: nothing read", "become", calls, program));
        AssertNothingIsLeft();
    }

    [Fact]
    public void AFileThatIsCutShorterUnderADeviceHarmsItsOwnerOnly()
    {
        using var site = new VfioSite(Shrink, new EduModel());
        site.Run();
        site.AssertIsClean();
    }

    private long CallsInUse => _door!.UserAt(0).Calls.Used;

    private void Open(DoorLimits limits) => _door = new ProgramDoor(new DeviceNodes(_engine).Open, new DoorOptions { Socket = SocketPath, Limits = limits }, defect =>
    {
        lock (_defects)
        {
            _defects.Add(defect);
        }
    });

    private Process Start(string expected, params string[] words)
    {
        Process process = Begin(words);
        AssertSays(expected, process);
        return process;
    }

    private Process Begin(params string[] words)
    {
        var info = new ProcessStartInfo(Hostile.Value, [SocketPath, .. words]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardInput = true, RedirectStandardError = true };
        Process process = Process.Start(info)!;
        _started.Add(process);
        return process;
    }

    private static void AssertSays(string expected, Process process)
    {
        string? said = process.StandardOutput.ReadLine();
        Assert.True(string.Equals(said, expected, StringComparison.Ordinal), string.Create(CultureInfo.InvariantCulture, $"'{said}', not '{expected}': {(said is null ? process.StandardError.ReadToEnd() : string.Empty)}"));
    }

    private void Leave(Process process)
    {
        process.StandardInput.Close();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        process.StandardOutput.Dispose(); // what was read from, the process leaves to the collector
        process.Dispose();
        _started.Remove(process);
    }

    private void AssertOthersComeIn() => Leave(Start("served 1 0", "slots", "1"));

    private void AssertNothingIsLeft()
    {
        DoorFuzzTests.AssertSettles(() => _door is { ClientCount: 0, DrainingCount: 0, RingCount: 0, Files.Count: 0 } && CallsInUse == 0, "clients");
        DoorFuzzTests.AssertSettles(() => _door!.Objects.Count == 0, "memory objects");
        Assert.Equal(0, _door!.UserAt(0).Clients.Used);
        Assert.Equal(0, _door.UserAt(0).Quotas.Files.Used);
        Assert.Equal(0, _engine.OpenContexts);
        Assert.Empty(_defects);
    }
}
