using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace FastIova.Cli;

/// <summary>The whole of <c>fastiova trace info</c> after its options are read: says what is in traces.</summary>
internal static class TraceInfo
{
    private static readonly TraceOp[] Kinds = [.. Enum.GetValues<TraceOp>().Where(op => op != TraceOp.None)];

    private static readonly JsonWriterOptions JsonOptions = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Reads traces and says what is in them.</summary>
    /// <param name="files">The files.</param>
    /// <param name="json">For programs instead of people.</param>
    /// <param name="workload">Only what lies between the marks of the workload.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="error">Where complaints go.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal static int Run(IReadOnlyList<string> files, bool json, bool workload, TextWriter output, TextWriter error)
    {
        if (files.Count == 0)
        {
            error.WriteLine($"fastiova: there is no trace in {ShippedTraces.Folder}: name a recorded trace, or build from a clone that has data/dma-traces.");
            return ExitCode.BadUsage;
        }

        int exit = ExitCode.Done;
        var read = new List<(DmaTrace Trace, TraceStatistics Statistics)>();
        foreach (string file in files)
        {
            try
            {
                DmaTrace trace = DmaTrace.Load(file);
                read.Add((trace, new TraceStatistics(workload ? trace.Records[trace.Workload] : trace.Records)));
            }
            catch (Exception refused) when (refused is TraceFormatException or IOException or UnauthorizedAccessException or DllNotFoundException)
            {
                // The other files still have something to say.
                error.WriteLine($"fastiova: {refused.Message}");
                exit = ExitCode.Failed;
            }
        }

        if (json)
        {
            output.Write(Json(read));
        }
        else
        {
            foreach ((DmaTrace trace, TraceStatistics statistics) in read)
            {
                Print(trace, statistics, output);
            }
        }

        return exit;
    }

    private static void Print(DmaTrace trace, TraceStatistics statistics, TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (!ReferenceEquals(output, Console.Out) || Console.IsOutputRedirected)
        {
            console.Profile.Width = 132;
            console.Profile.Capabilities.Ansi = false;
        }

        var table = new Table { Border = TableBorder.Simple, ShowHeaders = false, Title = new TableTitle(Markup.Escape(trace.Name)) };
        table.AddColumns(new TableColumn("what") { NoWrap = true }, new TableColumn("value"));
        foreach ((string name, string value) in Rows(trace, statistics))
        {
            table.AddRow(new Text(name), new Text(value));
        }

        console.Write(table);
    }

    private static IEnumerable<(string Name, string Value)> Rows(DmaTrace trace, TraceStatistics statistics)
    {
        TraceHeader header = trace.Header;
        long maps = statistics.Count(TraceOp.Map);
        long translations = statistics.Count(TraceOp.Translate);
        yield return ("workload", $"{header.Workload}{(header.What.Length > 0 ? $": {header.What}" : string.Empty)}");
        yield return ("recorded behind", $"{header.Iommu}, {header.Mode}");
        yield return ("records", Number(statistics.Records));
        foreach (TraceOp kind in Kinds.Where(kind => statistics.Count(kind) > 0))
        {
            yield return ($"  {kind.Name()}", $"{Number(statistics.Count(kind))} ({Percent(statistics.Count(kind), statistics.Records)})");
        }

        yield return ("domains, devices", $"{statistics.Domains} mapped, {statistics.Devices} translated");
        yield return ("map sizes", Sizes(statistics.MapSizes, maps));
        yield return ("page sizes", Sizes(statistics.PageSizes, translations));
        yield return ("mapped in all", Bytes(statistics.MappedBytes));
        yield return ("alive at most", $"{Number(statistics.PeakLiveMappings)} mappings, {Bytes(statistics.PeakLiveBytes)}; never unmapped: {Number(statistics.LeftMappings)}");
        yield return ("maps per unmap", Decimal(TraceStatistics.Per(maps, statistics.Count(TraceOp.Unmap))));
        yield return ("a mapping lives", $"{Text(statistics.Lives)} records");
        yield return ("translations per map", $"{Text(statistics.Uses)}; unused: {Percent(statistics.UnusedMappings, maps)} of the maps");
        yield return ("reuse", $"{Percent(statistics.Reuses, translations)} of the translations are in a page translated before since its map, {Percent(statistics.Repeats, translations)} in the device's last page");
        if (statistics.Uncovered > 0)
        {
            yield return ("not covered", $"{Number(statistics.Uncovered)} translations lie in no mapping");
        }
    }

    private static string Text(TraceStatistics.Spread spread) =>
        $"mean {Decimal(spread.Mean)}, median {Number(spread.Median)}, nine of ten at most {Number(spread.Ninety)}, most {Number(spread.Most)}";

    // The six most frequent: a driver has few, a random trace has too many to read.
    private static string Sizes(IReadOnlyDictionary<uint, long> sizes, long all)
    {
        const int Shown = 6;
        var shown = sizes.OrderByDescending(size => size.Value).Take(Shown).OrderBy(size => size.Key);
        string text = string.Join(", ", shown.Select(size => $"{Bytes((ulong)size.Key << TraceRecord.PageLg2)}: {Percent(size.Value, all)}"));
        return sizes.Count > Shown ? $"{text}, and {sizes.Count - Shown} other sizes" : text.Length == 0 ? ReportText.Nothing : text;
    }

    private static string Json(IReadOnlyList<(DmaTrace Trace, TraceStatistics Statistics)> read)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, JsonOptions))
        {
            json.WriteStartObject();
            json.WriteStartArray("traces");
            foreach ((DmaTrace trace, TraceStatistics statistics) in read)
            {
                json.WriteStartObject();
                Write(json, trace, statistics);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length) + "\n";
    }

    private static void Write(Utf8JsonWriter json, DmaTrace trace, TraceStatistics statistics)
    {
        json.WriteString("name", trace.Name);
        json.WriteString("workload", trace.Header.Workload);
        json.WriteString("what", trace.Header.What);
        json.WriteString("iommu", trace.Header.Iommu);
        json.WriteString("mode", trace.Header.Mode);
        json.WriteNumber("records", statistics.Records);
        json.WriteStartObject("counts");
        foreach (TraceOp kind in Kinds)
        {
            json.WriteNumber(kind.Name(), statistics.Count(kind));
        }

        json.WriteEndObject();
        json.WriteNumber("domains", statistics.Domains);
        json.WriteNumber("devices", statistics.Devices);
        WriteSizes(json, "maps_by_pages", statistics.MapSizes);
        WriteSizes(json, "translations_by_page_size", statistics.PageSizes);
        json.WriteNumber("mapped_bytes", statistics.MappedBytes);
        json.WriteNumber("peak_live_mappings", statistics.PeakLiveMappings);
        json.WriteNumber("peak_live_bytes", statistics.PeakLiveBytes);
        json.WriteNumber("never_unmapped", statistics.LeftMappings);
        json.WriteNumber("unused_maps", statistics.UnusedMappings);
        WriteSpread(json, "life_records", statistics.Lives);
        WriteSpread(json, "translations_per_map", statistics.Uses);
        json.WriteNumber("reused_translations", statistics.Reuses);
        json.WriteNumber("same_page_translations", statistics.Repeats);
        json.WriteNumber("uncovered_translations", statistics.Uncovered);
    }

    private static void WriteSizes(Utf8JsonWriter json, string name, IReadOnlyDictionary<uint, long> sizes)
    {
        json.WriteStartObject(name);
        foreach ((uint pages, long count) in sizes)
        {
            json.WriteNumber(pages.ToString(CultureInfo.InvariantCulture), count);
        }

        json.WriteEndObject();
    }

    private static void WriteSpread(Utf8JsonWriter json, string name, TraceStatistics.Spread spread)
    {
        json.WriteStartObject(name);
        json.WriteNumber("mean", Math.Round(spread.Mean, 3));
        json.WriteNumber("median", spread.Median);
        json.WriteNumber("p90", spread.Ninety);
        json.WriteNumber("max", spread.Most);
        json.WriteEndObject();
    }

    private static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Decimal(double number) => number.ToString("#,0.0", CultureInfo.InvariantCulture);

    private static string Percent(long part, long whole) => (TraceStatistics.Per(part, whole) * 100).ToString("0.0", CultureInfo.InvariantCulture) + " %";

    private static string Bytes(ulong bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        double amount = bytes;
        int unit = 0;
        while (amount >= 1024 && unit < units.Length - 1)
        {
            amount /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{amount:0.#} {units[unit]}");
    }
}
