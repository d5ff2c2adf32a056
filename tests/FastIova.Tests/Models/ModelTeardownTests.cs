using Xunit;

namespace FastIova.Tests;

/// <summary>Tests that count the threads and mappings of the process: nobody else may make any meanwhile.</summary>
[CollectionDefinition(nameof(ModelTeardown), DisableParallelization = true)]
public sealed class ModelTeardown;

/// <summary>Nothing is left of a model: no thread, no port, no mapping.</summary>
[Collection(nameof(ModelTeardown))]
public sealed class ModelTeardownTests
{
    [Theory]
    [InlineData("edu")]
    [InlineData("nvme,memory=64M")]
    [InlineData("testdev")]
    public void NothingIsLeftOfAModel(string text)
    {
        Once(text);
        int threads = Threads();
        for (int round = 0; round < 20; round++)
        {
            Once(text);
        }

        DeviceFixture.Await(() => Threads() <= threads, "the threads of the models are gone");
        Assert.DoesNotContain(File.ReadLines("/proc/self/maps"), line => line.Contains("fastiova-bar", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("edu")]
    [InlineData("nvme,memory=64K")]
    [InlineData("testdev")]
    public void AModelThatWasNeverConnectedCanBeThrownAway(string text) => ModelCatalog.Create(text).Dispose();

    private static void Once(string text)
    {
        using var device = new DeviceFixture(ModelCatalog.Create(text));
        _ = device.Mapped(0);
        _ = device.Read32(0);
        device.Unmap(0);
        _ = device.Mapped(0);
    }

    private static int Threads() => Directory.GetDirectories("/proc/self/task")
        .Count(task => TryName(task) is "edu" or "nvme" or "testdev");

    private static string TryName(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).Trim();
        }
        catch (IOException)
        {
            return string.Empty; // it ended meanwhile
        }
    }
}
