using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace FastIova.Tests.Doors;

/// <summary>A door with <see cref="EchoFile"/>s behind it, and the programs that come through it.</summary>
internal sealed class EchoDoor : IDisposable
{
    private static readonly Lazy<string> Program = new(Compile);

    private readonly List<Exception> _defects = [];

    internal EchoDoor() => Door = new ProgramDoor(Open, new EngineOptions { TestBackend = true }, socket: null, Complain);

    internal ProgramDoor Door { get; }

    /// <summary>Whether programs lend their shared memory, as they do where the engine has no right to open it.</summary>
    internal bool Lends { get; init; }

    /// <summary>Where clients connect.</summary>
    internal byte[] Address
    {
        get
        {
            byte[] name = System.Text.Encoding.ASCII.GetBytes(Door.Variable.Split(':')[2]);
            name[0] = 0;
            return name;
        }
    }

    /// <summary>What the engine's own code threw.</summary>
    internal IReadOnlyList<Exception> Defects
    {
        get
        {
            lock (_defects)
            {
                return [.. _defects];
            }
        }
    }

    /// <summary>Starts a scenario of client.c.</summary>
    internal Process Start(params string[] words) => Start(Lends ? Door.Variable.Replace(":1:", ":3:", StringComparison.Ordinal) : Door.Variable, Program.Value, words);

    /// <summary>Starts a program that comes through a door.</summary>
    internal static Process Start(string door, string program, params string[] words)
    {
        var start = new ProcessStartInfo(program, words) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment[DoorProtocol.Variable] = door;
        start.Environment["LD_PRELOAD"] = GuestProgram.ShimPath;
        return Process.Start(start)!;
    }

    /// <summary>Runs a scenario to its end.</summary>
    /// <returns>What it wrote to its output.</returns>
    internal string Run(params string[] words)
    {
        using Process process = Start(words);
        using StreamReader errors = process.StandardError;
        using StreamReader outputs = process.StandardOutput;
        Task<string> error = errors.ReadToEndAsync();
        string output = outputs.ReadToEnd();
        process.WaitForExit();
        string defects = string.Join("\n", Defects.Select(defect => defect.ToString()));
        Xunit.Assert.True(process.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"{words[0]}: exit code {process.ExitCode}\n{error.Result}\n{defects}"));
        return output;
    }

    public void Dispose() => Door.Dispose();

    private static long Open(Caller caller, string path, out OpenFile? file)
    {
        file = path is "/dev/iommu" ? new EchoFile() : null;
        return file is null ? DoorProtocol.NotMine : 0;
    }

    private static string Compile() => Compile(Path.Combine(SourceFolder(), "client.c"));

    internal static string Compile(string source)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "door-" + Path.GetFileNameWithoutExtension(source));
        using Process gcc = Process.Start(new ProcessStartInfo("gcc", ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source, "-lpthread"]) { UseShellExecute = false, RedirectStandardError = true })!;
        string complaints = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        Xunit.Assert.True(gcc.ExitCode == 0, complaints);
        return program;
    }

    internal static string SourceFolder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;

    private void Complain(Exception defect)
    {
        lock (_defects)
        {
            _defects.Add(defect);
        }
    }
}
