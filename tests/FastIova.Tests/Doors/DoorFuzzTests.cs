using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Clients that do not keep to the protocol. FASTIOVA_FUZZ_ROUNDS sets how many; the seed of a failure is in its message.</summary>
[Collection("doors")]
public sealed class DoorFuzzTests
{
    private static readonly int Rounds = int.TryParse(Environment.GetEnvironmentVariable("FASTIOVA_FUZZ_ROUNDS"), out int rounds) ? rounds : 300;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void AGreetingThatIsNoneEndsItsConnectionAndNothingElse(int seed)
    {
        using (var warm = new EchoDoor())
        {
            warm.Run("basic");
        }

        int descriptors = CountDescriptors();
        var echo = new EchoDoor();
        var random = new Random(seed);
        var open = new List<UnixSocket>();
        Descriptor passed = Descriptor.TryOpen("/dev/null", write: true)!;
        for (int round = 0; round < Rounds; round++)
        {
            UnixSocket socket = UnixSocket.Connect(echo.Address);
            byte[] message = Greeting(random, echo.Door.Key);
            if (message.Length > 0)
            {
                socket.TrySend(message, random.Next(3) == 0 ? passed.Number : -1);
            }

            if (random.Next(4) == 0)
            {
                open.Add(socket); // and says nothing more
            }
            else
            {
                socket.Dispose();
            }
        }

        echo.Run("queues");
        open.ForEach(each => each.Dispose());
        echo.Run("basic");
        Assert.Empty(echo.Defects);
        ProgramDoorTests.AssertNothingIsLeft(echo);
        echo.Dispose();
        passed.Dispose();
        AssertSettles(() => CountDescriptors() <= descriptors, "descriptors of the engine");
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void ACallThatMakesNoSenseEndsItsClientAndNothingElse(int seed)
    {
        using var echo = new EchoDoor();
        var random = new Random(seed);
        for (int round = 0; round < Rounds / 10; round++)
        {
            using var hostile = new HostileClient(echo, random);
            hostile.Write(Rounds / 10);
        }

        echo.Run("basic");
        Assert.All(echo.Defects, defect => Assert.IsType<InvalidDataException>(defect));
        AssertSettles(() => echo.Door.Files.Count == 0, "files");
    }

    // Without those of assemblies, which are loaded when something of them is first used.
    internal static int CountDescriptors() => Directory.EnumerateFileSystemEntries("/proc/self/fd")
        .Count(path => new FileInfo(path).LinkTarget?.EndsWith(".dll", StringComparison.Ordinal) != true);

    /// <summary>What other threads work off is over in the end.</summary>
    internal static void AssertSettles(Func<bool> isSettled, string what) =>
        Assert.True(SpinWait.SpinUntil(isSettled, TimeSpan.FromSeconds(20)), $"The {what} did not return to where they began.");

    private static byte[] Greeting(Random random, byte[] key)
    {
        byte[] message = new byte[random.Next(5) switch { 0 => random.Next(48), 1 => 49 + random.Next(4000), _ => 48 }];
        random.NextBytes(message);
        if (message.Length >= 48 && random.Next(3) != 0)
        {
            BitConverter.TryWriteBytes(message, DoorProtocol.Magic);
            BitConverter.TryWriteBytes(message.AsSpan(4), DoorProtocol.Version);
            BitConverter.TryWriteBytes(message.AsSpan(8), random.Next(7));
            BitConverter.TryWriteBytes(message.AsSpan(12), random.Next(2) == 0 ? random.Next(300) : random.Next());
            key.CopyTo(message.AsSpan(16));
        }

        return message;
    }
}
