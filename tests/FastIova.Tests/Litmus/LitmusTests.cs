using System.Diagnostics;
using Xunit;

namespace FastIova.Tests.Litmus;

[CollectionDefinition(nameof(LitmusTests), DisableParallelization = true)]
public sealed class LitmusCollection;

/// <summary>Runs the race of tests/Litmus for a short time, controls included.</summary>
[Collection(nameof(LitmusTests))]
public sealed class LitmusTests
{
    private static readonly string[] Controls = ["SkipWait", "SkipInvalidate", "SkipClear", "SkipProtectFlush", "SkipFence"];

    [Fact]
    public async Task NoTranslationIsUsedAfterItsUnmapHasReturned()
    {
        (int exit, string output, string error) = await Run("--quick");
        Assert.True(exit == 0, $"exit code {exit}\n{output}\n{error}");
        Assert.All(Controls, control => Assert.Contains(
            output.Split('\n'),
            line => line.StartsWith(control + " ", StringComparison.Ordinal) && line.Contains(" caught ", StringComparison.Ordinal)));
        Assert.EndsWith(" passed, 0 failed", output.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABadCommandLineExitsWith2()
    {
        (int exit, string output, string error) = await Run("--seconds", "0");
        Assert.Equal(2, exit);
        Assert.Empty(output);
        Assert.Contains("--seconds '0' is not a number from 1", error, StringComparison.Ordinal);
    }

    private static async Task<(int Exit, string Output, string Error)> Run(params string[] args)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(ProgramPath());
        Array.ForEach(args, start.ArgumentList.Add);
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }

    // Both programs are built in one configuration; their folders lie beside one another: bin/PROJECT/CONFIGURATION.
    internal static string ProgramPath(string project = "Litmus")
    {
        DirectoryInfo own = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        string path = Path.Combine(own.Parent!.Parent!.FullName, project, own.Name, $"FastIova.{project}.dll");
        Assert.True(File.Exists(path), $"'{path}' is not built: build tests/{project} in the configuration of the tests.");
        return path;
    }
}
