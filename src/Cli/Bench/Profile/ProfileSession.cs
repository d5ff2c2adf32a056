using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace FastIova.Cli;

/// <summary>The whole of <c>fastiova bench profile</c> after its options are read: measures under <c>perf record</c> and says where the time went.</summary>
internal static class ProfileSession
{
    private const string Perf = "perf";
    private const string ParanoidFile = "/proc/sys/kernel/perf_event_paranoid";
    private const int TopRows = 25;

    /// <summary>Profiles.</summary>
    /// <param name="only">The prefix of the ids to measure.</param>
    /// <param name="options">Further options of the measurement, as words.</param>
    /// <param name="frequency">Samples per second and processor.</param>
    /// <param name="file">The flame graph.</param>
    /// <param name="setUp">Whether to show what prepares the measurements too.</param>
    /// <param name="output">Where the table goes.</param>
    /// <param name="error">Where progress and complaints go.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal static int Run(string only, string[] options, int frequency, string file, bool setUp, TextWriter output, TextWriter error)
    {
        string folder = Directory.CreateTempSubdirectory("fastiova-profile-").FullName;
        var processes = new HashSet<int>();
        try
        {
            string data = Path.Combine(folder, "perf.data");
            error.WriteLine($"profile: measuring '{only}' under perf record");
            (int exit, IReadOnlyList<string> said) = Start(
                folder,
                ["record", "-q", "-e", "cpu-clock", "-F", frequency.ToString(CultureInfo.InvariantCulture), "-g", "-o", data, "--", .. EngineBuild.OfThisProgram().Command, "bench", "--only", only, "--out", folder, .. options]);
            if (!File.Exists(data) || new FileInfo(data).Length == 0)
            {
                error.WriteLine($"fastiova: perf could not record (exit code {exit}): {string.Join(" | ", said.TakeLast(4))} {Remedy()}");
                return ExitCode.Failed;
            }

            if (!File.Exists(Path.Combine(folder, "bench.json")))
            {
                bool none = exit == ExitCode.BadUsage;
                error.WriteLine(none
                    ? $"fastiova: '{only}' is the beginning of no figure's id: run 'fastiova bench --quick' to see every id."
                    : $"fastiova: '{only}' could not be measured (exit code {exit}): {string.Join(" | ", said.TakeLast(4))}");
                return none ? ExitCode.BadUsage : ExitCode.Failed;
            }

            error.WriteLine("profile: reading the samples");
            (exit, IReadOnlyList<string> samples) = Start(folder, ["script", "-i", data, "-F", "comm,pid,tid,ip,sym,dso"], keepErrors: false);
            CallTree tree = PerfScript.Read(samples, processes, setUp);
            if (exit != 0 || tree.Samples == 0)
            {
                error.WriteLine($"fastiova: perf took {tree.Samples} samples (exit code {exit}), too few to draw: measure for longer with --reps, or sample more often with --frequency. {Remedy()}");
                return ExitCode.Failed;
            }

            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
            File.WriteAllText(file, FlameGraph.Of(tree, $"fastiova bench --only {only}"));
            Print(tree, output);
            output.WriteLine($"the flame graph is {Path.GetFullPath(file)}");
            return ExitCode.Done;
        }
        catch (Win32Exception)
        {
            error.WriteLine("fastiova: there is no 'perf' on this machine: install it (Debian: apt-get install linux-perf; Ubuntu: apt-get install linux-tools-generic), or measure without a profile with 'fastiova bench'.");
            return ExitCode.Failed;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"fastiova: the flame graph could not be written to '{file}': {refused.Message} Name a file that can be written with --out.");
            return ExitCode.Failed;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            foreach (int process in processes)
            {
                // The runtime leaves the names of compiled code there, where perf looks for them.
                File.Delete($"/tmp/perf-{process.ToString(CultureInfo.InvariantCulture)}.map");
                File.Delete($"/tmp/perfinfo-{process.ToString(CultureInfo.InvariantCulture)}.map");
            }
        }
    }

    private static (int Exit, IReadOnlyList<string> Lines) Start(string folder, string[] words, bool keepErrors = true)
    {
        var start = new ProcessStartInfo(Perf)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string word in words)
        {
            start.ArgumentList.Add(word);
        }

        // Names of compiled code for perf; code that is mapped twice, once for writing, has none it could find.
        start.Environment["DOTNET_PerfMapEnabled"] = "1";
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        using Process process = Process.Start(start)!;
        var lines = new List<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            if (keepErrors && line.Data is { Length: > 0 } text && !text.StartsWith("bench: ", StringComparison.Ordinal))
            {
                lock (lines)
                {
                    lines.Add(text);
                }
            }
        };
        process.BeginErrorReadLine();
        var printed = new List<string>();
        while (process.StandardOutput.ReadLine() is { } line)
        {
            printed.Add(line);
        }

        process.WaitForExit();
        return (process.ExitCode, keepErrors ? lines : printed);
    }

    private static string Remedy() =>
        File.Exists(ParanoidFile) && int.TryParse(File.ReadAllText(ParanoidFile), CultureInfo.InvariantCulture, out int paranoid) && paranoid > 2
            ? $"kernel.perf_event_paranoid is {paranoid}; perf needs 2 or less: 'sysctl kernel.perf_event_paranoid=1' as root, or run as root."
            : "In a container, perf needs the capability PERFMON (docker run --cap-add PERFMON --security-opt seccomp=unconfined).";

    private static void Print(CallTree tree, TextWriter output)
    {
        output.WriteLine($"{tree.Samples} samples");
        output.WriteLine("   self   total  frame");
        foreach ((string name, long own, long samples) in tree.Top().Where(row => row.Own > 0).Take(TopRows))
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{own * 100.0 / tree.Samples,5:0.0} % {samples * 100.0 / tree.Samples,5:0.0} %  {name}"));
        }
    }
}
