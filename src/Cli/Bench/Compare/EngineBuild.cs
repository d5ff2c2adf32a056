using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace FastIova.Cli;

/// <summary>A build of this program on disk, older or newer, that is started to measure itself.</summary>
/// <remarks>It needs nothing but <c>bench --only … --out DIR</c>, which every version has.</remarks>
internal sealed class EngineBuild : IBuild
{
    /// <summary>The word for the program that is running.</summary>
    internal const string Now = "now";

    private const string ProgramFile = "fastiova.dll";
    private const int ComplaintLines = 4;

    private readonly string[] _command;
    private readonly string[] _options;

    private EngineBuild(string name, string[] command, string[] options)
    {
        Name = name;
        _command = command;
        _options = options;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The words that start the program, before the words of a command line.</summary>
    internal IReadOnlyList<string> Command => _command;

    /// <summary>The program that is running.</summary>
    /// <param name="options">Further options of every measurement.</param>
    /// <returns>The build.</returns>
    internal static EngineBuild OfThisProgram(params string[] options) => new(Now, [Dotnet(), Path.Combine(AppContext.BaseDirectory, ProgramFile)], options);

    /// <summary>Finds the build that a user named.</summary>
    /// <param name="name">"now", a working tree, a folder with fastiova.dll, a fastiova.dll, or an executable.</param>
    /// <param name="options">Further options of every measurement.</param>
    /// <returns>The build, or null when there is none of that name.</returns>
    internal static EngineBuild? Find(string name, params string[] options)
    {
        if (string.Equals(name, Now, StringComparison.Ordinal))
        {
            return OfThisProgram(options);
        }

        // In a working tree the script comes first: it builds when a source is newer.
        string[] places = Directory.Exists(name)
            ? [Path.Combine(name, "fastiova"), Path.Combine(name, ProgramFile), Path.Combine(name, "artifacts", "bin", "Cli", "release", ProgramFile)]
            : [name];
        foreach (string place in places.Where(File.Exists).Select(Path.GetFullPath))
        {
            if (place.EndsWith(".dll", StringComparison.Ordinal))
            {
                return new EngineBuild(name, [Dotnet(), place], options);
            }

            if (!IsReport(place))
            {
                return new EngineBuild(name, [place], options);
            }
        }

        return null;
    }

    /// <summary>The options of every measurement, as words.</summary>
    /// <param name="quick">Smaller sets.</param>
    /// <param name="reps">Counted repetitions, or null for the default.</param>
    /// <returns>The words.</returns>
    internal static string[] Words(bool quick, int? reps) =>
    [
        .. quick ? ["--quick"] : Array.Empty<string>(),
        .. reps is { } count ? ["--reps", count.ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>(),
    ];

    /// <inheritdoc/>
    public Report Measure(IReadOnlyList<string> only)
    {
        string folder = Directory.CreateTempSubdirectory("fastiova-bench-").FullName;
        try
        {
            var start = new ProcessStartInfo(_command[0])
            {
                // The program looks for its working tree from here up first, and must not find another one.
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            };
            string[] filter = only.Count == 0 ? [] : ["--only", .. only];
            foreach (string word in (IEnumerable<string>)[.. _command[1..], "bench", "--out", folder, .. _options, .. filter])
            {
                start.ArgumentList.Add(word);
            }

            (int exit, string complaints) = Run(start);
            string report = Path.Combine(folder, "bench.json");
            return exit is ExitCode.Done or ExitCode.BadUsage && File.Exists(report)
                ? ReportFile.Load(report)
                : throw new BenchFailureException($"'{Name}' could not be measured (exit code {exit}): {complaints} Try '{string.Join(' ', _command)} bench --quick'.");
        }
        catch (Win32Exception missing)
        {
            throw new BenchFailureException($"'{Name}' could not be started: {missing.Message}. Name a build of fastiova that runs here.", missing);
        }
        catch (ReportFormatException broken)
        {
            throw new BenchFailureException(broken.Message, broken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool IsReport(string file)
    {
        using FileStream content = File.OpenRead(file);
        return content.ReadByte() is '{';
    }

    private static (int Exit, string Complaints) Run(ProcessStartInfo start)
    {
        using Process process = Process.Start(start)!;
        var lines = new Queue<string>();
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            // Steps are no complaints.
            if (line.Data is { Length: > 0 } text && !text.StartsWith("bench: ", StringComparison.Ordinal))
            {
                lines.Enqueue(text);
                if (lines.Count > ComplaintLines)
                {
                    lines.Dequeue();
                }
            }
        };
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.WaitForExit();
        return (process.ExitCode, lines.Count == 0 ? "it said nothing." : string.Join(" | ", lines));
    }

    // The runtime that runs this program is one that can run the others; a program of its own has none at hand.
    private static string Dotnet() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) is "dotnet" ? Environment.ProcessPath! : "dotnet";
}
