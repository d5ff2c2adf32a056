using System.Diagnostics;
using System.Globalization;
using FastIova.Tests.Litmus;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Rings that other processes translate through, honest and hostile ones.</summary>
[Collection("doors")]
public sealed class ServedRingTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Engine _engine = new();
    private readonly List<Exception> _defects = [];
    private readonly ProgramDoor _door;

    public ServedRingTests() => _door = new ProgramDoor(
        new DeviceNodes(_engine).Open,
        new DoorOptions { Limits = new DoorLimits { FullRings = 2, Refusals = 0, Client = new DoorShare { Files = 5, Rings = 3 } } },
        defect =>
        {
            lock (_defects)
            {
                _defects.Add(defect);
            }
        });

    public void Dispose()
    {
        _door.Dispose();
        _engine.Dispose();
    }

    [Fact]
    public void ADeviceInAnotherProcessGetsTheAddressesOfItsOwnMemory()
    {
        ulong before = _engine.Iommu.ReadCounts().Requests;
        Assert.Equal("translated 51968 served True", Run("translate", "200"));
        Assert.True(_engine.Iommu.ReadCounts().Requests - before >= 51_968);
        AssertNothingIsLeft();
    }

    [Fact]
    public void TheExampleOfTheDocumentationRuns()
    {
        Assert.Equal("True True NotMapped", Run("example"));
        AssertNothingIsLeft();
    }

    [Fact]
    public void SeveralProcessesTranslateAtOnce()
    {
        Process[] both = [Start("translate", "100"), Start("translate", "100")];
        Assert.All(both, process => Assert.StartsWith("translated", Finish(process), StringComparison.Ordinal));
        AssertNothingIsLeft();
    }

    [Fact]
    public void AProcessThatIsKilledWithARingLeavesNothingAndDisturbsNobody()
    {
        for (int i = 0; i < 3; i++)
        {
            using Process victim = Start("endless");
            Assert.Equal("ready", victim.StandardOutput.ReadLine());
            using Process other = Start("translate", "50");
            victim.Kill();
            victim.WaitForExit();
            Assert.StartsWith("translated", Finish(other), StringComparison.Ordinal);
        }

        AssertNothingIsLeft();
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("3")]
    public void ARingFullOfNonsenseHarmsItsOwnerOnly(string seed)
    {
        using Process hostile = Start("corrupt", seed);
        using Process other = Start("translate", "100");
        Assert.Equal("corrupted", Finish(hostile));
        Assert.StartsWith("translated", Finish(other), StringComparison.Ordinal);
        AssertNothingIsLeft();
    }

    [Fact]
    public void WhoOpensWithoutEndIsToldThatItHasEnough()
    {
        Assert.Equal($"rings 3 {Errno.TooManyFiles} files 5 {Errno.TooManyFiles}", Run("hoard"));
        Assert.Equal((1, 1), (_door.Limits.FilesRefused.Count, _door.Limits.RingsRefused.Count));
        AssertNothingIsLeft();
    }

    [Fact]
    public void WrongFilesIoasesAndCapacitiesAreRefusedByNameAndLaterWhileOthersAreThere()
    {
        string answers = $"{Errno.BadDescriptor} {Errno.NotFound} {Errno.Invalid} {Errno.Invalid} {Errno.Invalid} {Errno.Success} {Errno.Invalid}";
        Assert.Equal(answers, Run("wrong"));
        AssertNothingIsLeft();
        Assert.Equal(0, _door.Limits.RefusalsDelayed.Count); // there was nobody whom it could disturb

        using Process other = Start("endless");
        Assert.Equal("ready", other.StandardOutput.ReadLine());
        Assert.Equal(answers, Run("wrong"));
        Assert.Equal(6, _door.Limits.RefusalsDelayed.Count);
        other.Kill();
        other.WaitForExit();
        AssertNothingIsLeft();
    }

    [Fact]
    public void TheRingsOfAClientWeighTogetherAsSoManyThreadsAsTheLimitsSay()
    {
        Quotas quotas = _door.Limits.OfClient(_door.Limits.OfUser());
        var context = (IommufdContext)_engine.Open(EngineNode.Iommu, quotas);
        IoasId ioas = context.AllocateIoas();
        Assert.True(quotas.Files.TryTake(1));
        _door.Files.Add(context, quotas.Files, opener: null, out Descriptor file);
        using (file)
        {
            var options = new ServedRingOptions { Door = _door.Variable };
            ServedRing[] rings = [.. Enumerable.Range(0, 2).Select(_ => ServedRing.Open(file.Number, ioas.Number, options))];
            DoorFuzzTests.AssertSettles(() => RingNices().Length == 2, "threads of earlier rings");
            int[] whole = RingNices();
            Assert.Equal(whole[0], whole[1]);
            ServedRing third = ServedRing.Open(file.Number, ioas.Number, options);
            int lighter = Math.Min(whole[0] + 2, 19); // two thirds of a thread: 1.25 * 1.25 is nearly 3 / 2
            DoorFuzzTests.AssertSettles(() => RingNices() is [var a, var b, var c] && a == lighter && b == lighter && c == lighter, "weights of three rings");
            third.Dispose();
            int after = MayRaisePriority() ? whole[0] : lighter;
            DoorFuzzTests.AssertSettles(() => RingNices() is [var a, var b] && a == after && b == after, "weights of two rings");
            Array.ForEach(rings, ring => ring.Dispose());
        }

        AssertNothingIsLeft();
    }

    [Fact]
    public void ARingNeedsADoor()
    {
        Assert.Throws<InvalidOperationException>(() => ServedRing.Open(0, 1));
        Assert.Throws<FormatException>(() => ServedRing.Open(0, 1, new ServedRingOptions { Door = "0:0:/nowhere" }));
        Assert.Throws<IOException>(() => ServedRing.Open(0, 1, new ServedRingOptions { Door = $"{new string('0', 32)}:0:/no-engine-here" }));
    }

    [Fact]
    public void ADoorThatClosesEndsTheRings()
    {
        using Process victim = Start("endless");
        Assert.Equal("ready", victim.StandardOutput.ReadLine());
        _door.Dispose();
        Assert.Equal(0, _door.RingCount);
        victim.Kill();
        victim.WaitForExit();
        Assert.Equal(0, _engine.OpenContexts);
        Assert.Equal(0, _engine.Iommu.OpenPorts);
        Assert.Empty(_defects);
    }

    private static int[] RingNices()
    {
        const int fieldsBefore = 16; // of those behind the name
        return [.. Directory.EnumerateDirectories("/proc/self/task")
            .Select(StatusOf)
            .Where(status => status.Contains("(fastiova-ring)", StringComparison.Ordinal))
            .Select(status => int.Parse(status[(status.LastIndexOf(')') + 2)..].Split(' ')[fieldsBefore], CultureInfo.InvariantCulture))];
    }

    private static string StatusOf(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "stat"));
        }
        catch (IOException)
        {
            return string.Empty; // the thread has ended
        }
    }

    private static bool MayRaisePriority()
    {
        bool may = false;
        var thread = new Thread(() =>
        {
            int before = Libc.GetPriority(Libc.PriorityOfThread, Libc.ThreadId());
            ThreadWeight weight = ThreadWeight.OfThisThread();
            weight.Divide(2);
            weight.Divide(1);
            may = Libc.GetPriority(Libc.PriorityOfThread, Libc.ThreadId()) == before;
        });
        thread.Start();
        thread.Join();
        return may;
    }

    private Process Start(params string[] words) => EchoDoor.Start(_door.Variable, "dotnet", [LitmusTests.ProgramPath("RingClient"), .. words]);

    private string Run(params string[] words)
    {
        using Process process = Start(words);
        return Finish(process);
    }

    private static string Finish(Process process)
    {
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}: {error.Result}");
        return output;
    }

    private void AssertNothingIsLeft()
    {
        // Ends show when the kernel says so; the reaper and the rings' threads work them off.
        Assert.True(SpinWait.SpinUntil(() => _door is { ClientCount: 0, RingCount: 0, Files.Count: 0 } && _engine.OpenContexts == 0, Patience));
        Assert.Equal(0, _engine.Iommu.OpenPorts);
        Assert.Equal(0, PinLedger.TotalPinned);
        Assert.All(_door.Clients, _ => Assert.Fail("a client is left"));
        Assert.Empty(_defects);
    }
}
