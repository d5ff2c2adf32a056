using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A program that runs with the shim: its input, output, signals and exit code are its own.</summary>
/// <remarks>Threads: the one that runs it; signals arrive on others.</remarks>
internal static class GuestProgram
{
    /// <summary>The program cannot be executed: what a shell answers, too.</summary>
    internal const int NotExecutable = 126;

    /// <summary>There is no such program.</summary>
    internal const int NotFound = 127;

    private const string Preload = "LD_PRELOAD";

    // What a supervisor sends to end, reload or steer a program; the numbers are those of Linux on x86-64 and Arm.
    private static readonly (PosixSignal Signal, int Number, bool IsKey)[] Forwarded =
    [
        (PosixSignal.SIGTERM, 15, false), (PosixSignal.SIGHUP, 1, false), (PosixSignal.SIGINT, 2, true), (PosixSignal.SIGQUIT, 3, true),
        ((PosixSignal)10, 10, false), ((PosixSignal)12, 12, false),
    ];

    /// <summary>The shim, which lies beside the program that runs this.</summary>
    internal static string ShimPath => Path.Combine(AppContext.BaseDirectory, "libfastiova-shim.so");

    /// <summary>Runs a program until it ends.</summary>
    /// <param name="words">The program and its arguments.</param>
    /// <param name="door">The environment variable that leads it to an engine.</param>
    /// <param name="view">The folder of its synthetic files, or null.</param>
    /// <param name="error">Takes the one line that says why it could not be started.</param>
    /// <returns>Its exit code; 128 and the signal's number when a signal ended it.</returns>
    internal static int Run(IReadOnlyList<string> words, string door, string? view, TextWriter error)
    {
        if (Find(words[0]) is not { } path)
        {
            error.WriteLine($"fastiova: there is no program '{words[0]}': give a path, or a name that is found through PATH.");
            return NotFound;
        }

        var start = new ProcessStartInfo(path, words.Skip(1)) { UseShellExecute = false };
        string others = Environment.GetEnvironmentVariable(Preload) ?? string.Empty;
        start.Environment[Preload] = others.Contains(ShimPath, StringComparison.Ordinal) ? others : $"{ShimPath}:{others}".TrimEnd(':');
        start.Environment[DoorProtocol.Variable] = door;
        start.Environment[DoorProtocol.ViewVariable] = view;
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception refused)
        {
            error.WriteLine($"fastiova: '{path}' cannot be executed: {refused.Message}");
            return NotExecutable;
        }

        using (process)
        {
            PosixSignalRegistration[] registrations = [.. Forwarded.Select(each => PosixSignalRegistration.Create(each.Signal, context =>
            {
                context.Cancel = true;
                if (!each.IsKey || !Terminal.IsInForeground)
                {
                    Terminal.Signal(process.Id, each.Number);
                }
            }))];
            process.WaitForExit();
            foreach (PosixSignalRegistration registration in registrations)
            {
                registration.Dispose();
            }

            return process.ExitCode;
        }
    }

    // As execvp does it; the class library would look beside its own program first.
    private static string? Find(string name)
    {
        if (name.Contains('/', StringComparison.Ordinal))
        {
            string path = Path.GetFullPath(name);
            return File.Exists(path) ? path : null;
        }

        string folders = Environment.GetEnvironmentVariable("PATH") is { Length: > 0 } given ? given : "/bin:/usr/bin";
        return folders.Split(':')
            .Select(folder => Path.GetFullPath(Path.Combine(folder.Length == 0 ? "." : folder, name)))
            .FirstOrDefault(path => File.Exists(path) && IsExecutable(path));
    }

    private static bool IsExecutable(string path)
    {
        UnixFileMode mode = File.GetUnixFileMode(path);
        return mode.HasFlag(UnixFileMode.UserExecute) || mode.HasFlag(UnixFileMode.GroupExecute) || mode.HasFlag(UnixFileMode.OtherExecute);
    }
}
