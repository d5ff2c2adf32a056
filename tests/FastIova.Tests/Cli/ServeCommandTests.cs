using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FastIova.Cli;
using FastIova.Tests.Doors;
using Xunit;

namespace FastIova.Tests.Cli;

/// <summary>The service as its users have it: a process of its own, programs in others.</summary>
[Collection("doors")]
public sealed class ServeCommandTests : IDisposable
{
    private const string UsesIommu = "exec 3<>/dev/iommu";

    private readonly string _folder = Directory.CreateTempSubdirectory("fastiova-serve-").FullName;
    private readonly List<Process> _started = [];

    private string SocketPath => Path.Combine(_folder, "engine.sock");

    public void Dispose()
    {
        foreach (Process process in _started)
        {
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit();
            }

            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task SeveralProgramsShareAnEngineThatIsWatchedAndDrained()
    {
        string log = Path.Combine(_folder, "log.json");
        Process service = Serve("--metrics", "127.0.0.1:0", "--log", log, "--drain", "60");
        string url = (await service.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!.Split(' ')[^1];
        Assert.Equal($"fastiova: serving at {SocketPath}", await service.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        Process one = Program("sh", "-c", $"{UsesIommu}; echo in; read line; exit 5");
        Process other = Program("sh", "-c", $"{UsesIommu}; echo in; read line; exit 6");
        Assert.Equal("in", await one.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Equal("in", await other.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));

        using var client = new HttpClient();
        IReadOnlyDictionary<string, double> series = PrometheusText.Read(await client.GetStringAsync(new Uri(url), TestContext.Current.CancellationToken));
        Assert.Equal((2, 2, 2), (series["fastiova_clients"], series["fastiova_files"], series["fastiova_contexts"]));
        Assert.Equal(0, series["fastiova_limit_refusals_total{limit=\"files\"}"]);

        // Told to end, it takes nobody new and waits for both.
        Signal(service, "TERM");
        Assert.True(SpinWait.SpinUntil(() => !File.Exists(ServeCommand.AboutPath(SocketPath)), TimeSpan.FromMinutes(1)));
        Assert.Equal(2, Wait(Program("true")));

        Assert.False(service.HasExited);
        await one.StandardInput.WriteLineAsync("go");
        await other.StandardInput.WriteLineAsync("go");
        Assert.Equal((5, 6), (Wait(one), Wait(other)));
        Assert.Equal(0, Wait(service));
        Assert.False(File.Exists(SocketPath));
        string[] events = [.. (await File.ReadAllLinesAsync(log, TestContext.Current.CancellationToken)).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()!)];
        Assert.All(["serving", "client-welcomed", "client-left", "draining", "drained"], name => Assert.Contains(name, events, StringComparer.Ordinal));
    }

    [Fact]
    public void ProgramsThatDoNotFinishAreCutOffAndTheExitCodeSaysSo()
    {
        Process service = Serve("--drain", "0");
        Assert.Contains("serving", service.StandardOutput.ReadLine(), StringComparison.Ordinal);
        Process program = Program("sh", "-c", $"{UsesIommu}; echo in; read line");
        Assert.Equal("in", program.StandardOutput.ReadLine());
        Signal(service, "TERM");
        Assert.Equal(3, Wait(service));
        program.StandardInput.WriteLine("go");
        Wait(program);
    }

    [Fact]
    public void ASecondSignalDoesNotWait()
    {
        Process service = Serve("--drain", "3600");
        Assert.Contains("serving", service.StandardOutput.ReadLine(), StringComparison.Ordinal);
        Process program = Program("sh", "-c", $"{UsesIommu}; echo in; read line");
        Assert.Equal("in", program.StandardOutput.ReadLine());
        Signal(service, "TERM");
        Assert.True(SpinWait.SpinUntil(() => !File.Exists(ServeCommand.AboutPath(SocketPath)), TimeSpan.FromMinutes(1)));
        Signal(service, "TERM"); // SIGINT may be ignored, as in the background of a shell
        Assert.Equal(3, Wait(service));
        program.StandardInput.WriteLine("go");
        Wait(program);
    }

    [Fact]
    public void LimitsOfTheCommandLineHold()
    {
        Process service = Serve("--limit", "files=1");
        Assert.Contains("serving", service.StandardOutput.ReadLine(), StringComparison.Ordinal);
        Process program = Program("sh", "-c", "exec 3<>/dev/iommu && { true 4<>/dev/iommu; } 2>/dev/null || exit 7");
        Assert.Equal(7, Wait(program));
    }

    [Fact]
    public void AServiceThatHasNoDescriptorLeftServesWhoIsThereAndTakesWhoComes()
    {
        string log = Path.Combine(_folder, "log.json");
        Process service = Serve("--log", log);
        Assert.Contains("serving", service.StandardOutput.ReadLine(), StringComparison.Ordinal);
        Process program = Program("sh", "-c", $"{UsesIommu}; echo in; read line; exec 4<>/dev/iommu && exit 5");
        Assert.Equal("in", program.StandardOutput.ReadLine());
        int open = Directory.GetFiles($"/proc/{service.Id}/fd").Length;
        Assert.Equal(0, Wait(Start("prlimit", [$"--pid={service.Id}", $"--nofile={open + 40}"])));

        // They say nothing; the engine has room for some of them.
        Process silent = Start(EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "..", "Doors", "hostile.c")), [SocketPath, "silent", "600"]);
        Assert.Equal("silent 600", silent.StandardOutput.ReadLine());
        Assert.InRange(Directory.GetFiles($"/proc/{service.Id}/fd").Length, open, open + 40);
        Assert.Equal(9, Wait(Program("sh", "-c", $"{UsesIommu}; exit 9")));
        program.StandardInput.WriteLine("go");
        Assert.Equal(5, Wait(program));
        silent.StandardInput.Close();
        Assert.Equal(0, Wait(silent));
        Signal(service, "TERM");
        Assert.Equal(0, Wait(service));
        Assert.DoesNotContain("defect", File.ReadAllText(log), StringComparison.Ordinal);
    }

    [Fact]
    public void ASupervisorPassesTheSocketAndHearsWhenTheServiceIsReady()
    {
        string notify = Path.Combine(_folder, "notify.sock");
        using var supervisor = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        supervisor.Bind(new UnixDomainSocketEndPoint(notify));
        Process service = Launch(info => info.Environment["NOTIFY_SOCKET"] = notify);
        byte[] message = new byte[64];
        Assert.Equal("READY=1", Encoding.UTF8.GetString(message, 0, supervisor.Receive(message)));
        Assert.Equal(9, Wait(Program("sh", "-c", $"{UsesIommu}; exit 9")));

        Signal(service, "TERM");
        Assert.Equal("STOPPING=1", Encoding.UTF8.GetString(message, 0, supervisor.Receive(message)));
        Assert.Equal(0, Wait(service));
        Assert.True(File.Exists(SocketPath)); // the supervisor's
    }

    [Fact]
    public void ASocketOfAnotherKindIsNamed()
    {
        Process service = Launch(info => info.Environment["LAUNCH_STREAM"] = "1");
        string error = service.StandardError.ReadToEnd();
        Assert.Equal(1, Wait(service));
        Assert.Contains("ListenSequentialPacket", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--limit", "colour=1", "'colour'")]
    [InlineData("--limit", "files=many", "files=NUMBER")]
    [InlineData("--limit", "pinned=9999999999G", "pinned=NUMBER")]
    [InlineData("--drain", "-1", "--drain")]
    [InlineData("--metrics", "0.0.0.0:1", "other machines")]
    public void WhatCannotBeIsNamed(string option, string value, string named)
    {
        using var error = new StringWriter();
        Assert.Equal(2, FastIova.Cli.Program.Run(["serve", "--socket", SocketPath, option, value], TextWriter.Null, error));
        Assert.Contains(named, error.ToString(), StringComparison.Ordinal);
    }

    private static string Fastiova => Path.Combine(AppContext.BaseDirectory, "fastiova.dll");

    private Process Serve(params string[] words) => Start("dotnet", [Fastiova, "serve", "--socket", SocketPath, .. words]);

    private Process Program(params string[] words) => Start("dotnet", [Fastiova, "run", "--socket", SocketPath, "--", .. words]);

    private Process Launch(Action<ProcessStartInfo> prepare) =>
        Start(EchoDoor.Compile(Path.Combine(EchoDoor.SourceFolder(), "launcher.c")), [SocketPath, "dotnet", Fastiova, "serve", "--socket", SocketPath], prepare);

    private Process Start(string program, string[] words, Action<ProcessStartInfo>? prepare = null)
    {
        var info = new ProcessStartInfo(program, words) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardInput = true, RedirectStandardError = true };
        prepare?.Invoke(info);
        Process process = Process.Start(info)!;
        _started.Add(process);
        return process;
    }

    private static void Signal(Process process, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    private static int Wait(Process process)
    {
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "The process does not end.");
        return process.ExitCode;
    }
}
