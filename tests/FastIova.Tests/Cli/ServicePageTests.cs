using System.Diagnostics;
using System.Text.RegularExpressions;
using FastIova.Tests.Architecture;
using Xunit;

namespace FastIova.Tests.Cli;

/// <summary>The commands of docs/service.md, one after the other, in an empty folder.</summary>
[Collection("doors")]
public sealed partial class ServicePageTests
{
    [Fact]
    public async Task EveryCommandOfThePageRuns()
    {
        string page = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "docs", "service.md"), TestContext.Current.CancellationToken);
        string commands = string.Join('\n', Block.Matches(page).Select(match => match.Groups["text"].Value));
        Assert.Contains("fastiova serve", commands, StringComparison.Ordinal);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("fastiova-page-");
        try
        {
            string fastiova = Path.Combine(folder.FullName, "fastiova");
            await File.WriteAllTextAsync(fastiova, $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "fastiova.dll")}' \"$@\"\n", TestContext.Current.CancellationToken);
            File.SetUnixFileMode(fastiova, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var start = new ProcessStartInfo("sh", ["-e", "-c", "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n" + commands]) { UseShellExecute = false, WorkingDirectory = folder.FullName, RedirectStandardError = true, RedirectStandardOutput = true };
            using Process shell = Process.Start(start)!;
            Task<string> error = shell.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            string output = await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(shell.ExitCode == 0, $"exit code {shell.ExitCode}\n{output}\n{await error}");
            Assert.Matches("(?m)^fastiova_clients [0-9]+$", output);
            Assert.All(["one", "two", "look-ups", "\"event\":\"drained\""], text => Assert.Contains(text, output, StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [GeneratedRegex(@"^```sh\n(?<text>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Block { get; }
}
