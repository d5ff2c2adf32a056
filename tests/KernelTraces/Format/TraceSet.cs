using System.Formats.Tar;
using System.Globalization;

namespace FastIova.KernelTraces;

/// <summary>Traces that were recorded in the same way.</summary>
/// <param name="Name">What the set is called.</param>
/// <param name="Traces">In the order of their seeds.</param>
/// <param name="Recorded">As whom they were recorded.</param>
internal sealed record TraceSet(string Name, IReadOnlyList<Trace> Traces, Credentials Recorded)
{
    private const string ArchiveEnd = ".tar.xz";
    private const string TextEnd = ".txt";

    // Only this set was recorded by a process without rights: it drops them after opening the device.
    private const string LimitedSet = "rlimit";

    internal int Operations => Traces.Sum(trace => trace.Text.Count(line => !Trace.IsRemark(line)));

    /// <summary>Finds the sets of a path: an archive, a trace, a folder of traces, or a folder of archives.</summary>
    /// <exception cref="FileNotFoundException">There is nothing to replay.</exception>
    internal static IReadOnlyList<TraceSet> Find(string path)
    {
        if (File.Exists(path))
        {
            return [path.EndsWith(ArchiveEnd, StringComparison.Ordinal) ? ReadArchive(path) : Of(NameOf(path), [ReadText(path)])];
        }

        if (Directory.Exists(path))
        {
            string[] files = [.. Directory.GetFiles(path, "*" + TextEnd).Where(IsTrace)];
            TraceSet[] sets = [.. Directory.GetFiles(path, "*" + ArchiveEnd).Order(StringComparer.Ordinal).Select(ReadArchive)];
            if (files.Length > 0)
            {
                sets = [.. sets, Of(files.Length == 1 ? NameOf(files[0]) : NameOf(path), files.Select(ReadText))];
            }

            if (sets.Length > 0)
            {
                return sets;
            }
        }

        throw new FileNotFoundException($"No traces at '{path}': give a .tar.xz, a .txt, or a folder that holds some.", path);
    }

    private static TraceSet ReadArchive(string path)
    {
        using var archive = new TarReader(new XzStream(File.OpenRead(path)));
        List<Trace> traces = [];
        while (archive.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is not null && entry.Name.EndsWith(TextEnd, StringComparison.Ordinal))
            {
                using var reader = new StreamReader(entry.DataStream);
                traces.Add(Trace.Read(Path.GetFileName(entry.Name), reader));
            }
        }

        return Of(Path.GetFileName(path)[..^ArchiveEnd.Length], traces);
    }

    private static Trace ReadText(string path)
    {
        using StreamReader reader = File.OpenText(path);
        return Trace.Read(Path.GetFileName(path), reader);
    }

    private static TraceSet Of(string name, IEnumerable<Trace> traces) =>
        new(name, [.. traces.OrderBy(SeedOf).ThenBy(trace => trace.Name, StringComparer.Ordinal)],
            name.StartsWith(LimitedSet, StringComparison.Ordinal) ? Credentials.Limited : Credentials.Root);

    // A folder may hold other texts, and inputs without answers.
    private static bool IsTrace(string path) => File.ReadLines(path).Take(2).LastOrDefault() is { } line
        && line.Contains(" -> ret=", StringComparison.Ordinal)
        && line.StartsWith("0 ", StringComparison.Ordinal);

    private static string NameOf(string path) => Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(path));

    private static int SeedOf(Trace trace) =>
        int.TryParse(string.Concat(trace.Name.Where(char.IsAsciiDigit)), NumberStyles.None, CultureInfo.InvariantCulture, out int seed) ? seed : 0;
}
