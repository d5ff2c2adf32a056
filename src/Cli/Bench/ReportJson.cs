using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FastIova.Cli;

/// <summary>bench.json: the report for programs. The order of the properties is fixed, so that two reports can be compared line by line.</summary>
internal static class ReportJson
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // the file is no web page: µ and + stay readable
    };

    internal static string Of(Report report)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Options))
        {
            json.WriteStartObject();
            json.WriteStartObject("machine");
            WriteMachine(json, report.Machine);
            json.WriteEndObject();
            json.WriteStartArray("results");
            foreach (Figure figure in report.Figures)
            {
                json.WriteStartObject();
                WriteFigure(json, figure);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length) + "\n";
    }

    private static void WriteMachine(Utf8JsonWriter json, MachineFacts machine)
    {
        json.WriteString("cpu", machine.CpuModel);
        json.WriteNumber("cores", machine.Cores);
        json.WriteNumber("memory_bytes", machine.MemoryBytes);
        json.WriteString("kernel", machine.Kernel);
        json.WriteString("dotnet", machine.DotNet);
        json.WriteString("isa", machine.Isa);
        json.WriteString("thp", machine.TransparentHugePages);
        json.WriteNumber("nr_hugepages", machine.HugePages);
        json.WriteString("commit", machine.Commit);
        json.WriteString("date", machine.Date.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
    }

    private static void WriteFigure(Utf8JsonWriter json, Figure figure)
    {
        json.WriteString("id", figure.Id);
        WriteNumber(json, "best_ns", figure.BestNs);
        WriteNumber(json, "median_ns", figure.MedianNs);
        WriteNumber(json, "bound_ns", figure.BoundNs);
        WriteNumber(json, "ratio", figure.Ratio);
        WriteNumber(json, "target", figure.Target);
        if (figure.Met is { } met)
        {
            json.WriteBoolean("met", met);
        }
        else
        {
            json.WriteNull("met");
        }

        json.WriteNumber("reps", figure.Reps);
        json.WriteString("unit", figure.Unit);
        json.WriteString("target_unit", figure.TargetUnit switch
        {
            TargetUnit.Ratio => "ratio",
            TargetUnit.Nanoseconds => Figure.Nanoseconds,
            _ => Figure.Bytes,
        });
        json.WriteString("note", figure.Note);
        WriteRuns(json, figure.Runs);
        WritePercentiles(json, figure.Percentiles);
    }

    // What only some figures have is left out elsewhere, so that a reader of older reports needs to know nothing of it.
    private static void WriteRuns(Utf8JsonWriter json, IReadOnlyList<FigureRun> runs)
    {
        if (runs.Count == 0)
        {
            return;
        }

        json.WriteStartArray("runs");
        foreach (FigureRun run in runs)
        {
            json.WriteStartObject();
            WriteNumber(json, "best_ns", run.BestNs);
            WriteNumber(json, "bound_ns", run.BoundNs);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WritePercentiles(Utf8JsonWriter json, IReadOnlyList<Percentile> percentiles)
    {
        if (percentiles.Count == 0)
        {
            return;
        }

        json.WriteStartArray("percentiles");
        foreach (Percentile percentile in percentiles)
        {
            json.WriteStartObject();
            json.WriteNumber("of", percentile.Of);
            WriteNumber(json, "ns", percentile.Ns);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // Four digits after the point are finer than any of these measurements.
    private static void WriteNumber(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, Math.Round(number, 4));
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
