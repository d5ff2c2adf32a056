using System.Globalization;
using System.Text.Json;

namespace FastIova.Cli;

/// <summary>Reads a bench.json, of this version or an older one: what an older report does not say is simply not there.</summary>
internal static class ReportFile
{
    private const string Unknown = "unknown";

    /// <summary>Reads a report from a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The report.</returns>
    /// <exception cref="ReportFormatException">The file is no report.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be read.</exception>
    internal static Report Load(string path) => Parse(File.ReadAllText(path), path);

    /// <summary>Reads a report from its text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What complaints call it.</param>
    /// <returns>The report.</returns>
    /// <exception cref="ReportFormatException">The text is no report.</exception>
    internal static Report Parse(string json, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("machine", out JsonElement machine)
                || !root.TryGetProperty("results", out JsonElement results)
                || machine.ValueKind != JsonValueKind.Object
                || results.ValueKind != JsonValueKind.Array)
            {
                throw Broken(name, "it is no object with 'machine' and 'results'");
            }

            var figures = new List<Figure>(results.GetArrayLength());
            var ids = new HashSet<string>(StringComparer.Ordinal);
            foreach (JsonElement result in results.EnumerateArray())
            {
                Figure figure = ReadFigure(result, name);
                if (!ids.Add(figure.Id))
                {
                    throw Broken(name, $"the id '{figure.Id}' stands there twice");
                }

                figures.Add(figure);
            }

            return new Report(ReadMachine(machine), figures);
        }
        catch (JsonException broken)
        {
            throw Broken(name, $"it is no JSON: {broken.Message}");
        }
    }

    private static MachineFacts ReadMachine(JsonElement machine) => new(
        Text(machine, "cpu") ?? Unknown,
        (int)(Number(machine, "cores") ?? 0),
        (long)(Number(machine, "memory_bytes") ?? 0),
        Text(machine, "kernel") ?? Unknown,
        Text(machine, "dotnet") ?? Unknown,
        Text(machine, "isa") ?? Unknown,
        Text(machine, "thp") ?? Unknown,
        (int)(Number(machine, "nr_hugepages") ?? 0),
        Text(machine, "commit") ?? Unknown,
        DateTimeOffset.TryParse(Text(machine, "date"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date) ? date : DateTimeOffset.UnixEpoch);

    private static Figure ReadFigure(JsonElement result, string name)
    {
        if (result.ValueKind != JsonValueKind.Object || Text(result, "id") is not { Length: > 0 } id)
        {
            throw Broken(name, "one of its results has no 'id'");
        }

        double best = Number(result, "best_ns") ?? throw Broken(name, $"'{id}' has no number 'best_ns'");
        double median = Number(result, "median_ns") ?? best;
        double? bound = Number(result, "bound_ns");
        if (!(best >= 0) || !double.IsFinite(best) || bound is { } limit && !(limit > 0 && double.IsFinite(limit)))
        {
            throw Broken(name, $"'{id}' has best_ns {best} and bound_ns {bound}, which are no times");
        }

        // Where somebody corrected one of the three by hand, the worst of what is said counts.
        if (bound is { } per && Number(result, "ratio") is { } ratio && double.IsFinite(ratio) && ratio * per > best * 1.001)
        {
            best = ratio * per;
        }

        return new Figure(
            id,
            best,
            Math.Max(median, best),
            bound,
            Number(result, "target"),
            Text(result, "target_unit") switch { Figure.Nanoseconds => TargetUnit.Nanoseconds, Figure.Bytes => TargetUnit.Bytes, _ => TargetUnit.Ratio },
            Math.Max(1, (int)(Number(result, "reps") ?? 1)),
            Text(result, "unit") ?? Figure.Nanoseconds,
            Text(result, "note"))
        {
            Runs = [.. Items(result, "runs").Select(run => new FigureRun(Number(run, "best_ns") ?? best, Number(run, "bound_ns")))],
            Percentiles = [.. Items(result, "percentiles").Select(point => new Percentile(Number(point, "of") ?? 0, Number(point, "ns") ?? 0))],
        };
    }

    private static JsonElement.ArrayEnumerator Items(JsonElement of, string key) =>
        of.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : default;

    private static string? Text(JsonElement of, string key) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double? Number(JsonElement of, string key) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static ReportFormatException Broken(string name, string found) =>
        new($"'{name}' is no report of fastiova: {found}. Write one with 'fastiova bench --json FILE', or name another file.");
}
