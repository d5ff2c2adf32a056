using System.Globalization;
using System.Text;

namespace FastIova.Cli;

/// <summary>The text that Prometheus scrapes (exposition format 0.0.4), written and read.</summary>
/// <remarks>Threads: any.</remarks>
internal static class PrometheusText
{
    /// <summary>What the answer of an endpoint says it is.</summary>
    internal const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Writes families: help and type, then one line for each time series.</summary>
    internal static string Write(IEnumerable<MetricFamily> families)
    {
        var text = new StringBuilder();
        foreach (MetricFamily family in families)
        {
            text.Append("# HELP ").Append(family.Name).Append(' ').Append(Escape(family.Help, quotes: false)).Append('\n');
            text.Append("# TYPE ").Append(family.Name).Append(' ').Append(NameOf(family.Kind)).Append('\n');
            foreach (MetricSample sample in family.Samples)
            {
                text.Append(family.Name).Append(sample.Suffix);
                for (int i = 0; i < sample.Labels.Count; i++)
                {
                    text.Append(i == 0 ? '{' : ',').Append(sample.Labels[i].Key).Append("=\"").Append(Escape(sample.Labels[i].Value, quotes: true)).Append('"');
                }

                text.Append(sample.Labels.Count == 0 ? " " : "} ").Append(Number(sample.Value)).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>Reads what <see cref="Write"/> has written: every time series by its name and labels, as they stand before the value.</summary>
    /// <param name="text">The answer of an endpoint.</param>
    /// <exception cref="FormatException">A line is none of the format.</exception>
    internal static IReadOnlyDictionary<string, double> Read(string text)
    {
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line[0] == '#')
            {
                continue;
            }

            int space = line.LastIndexOf(' ');
            if (space <= 0 || !TryNumber(line[(space + 1)..], out double value))
            {
                throw new FormatException($"'{line}' is no line of the Prometheus text format: a series, a space and a number.");
            }

            values[line[..space]] = value;
        }

        return values;
    }

    /// <summary>The value of one label of a series, with its escapes undone; null when it has none of that name.</summary>
    internal static string? LabelOf(string series, string label)
    {
        int at = series.IndexOf($"{label}=\"", StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        var value = new StringBuilder();
        for (int i = at + label.Length + 2; i < series.Length && series[i] != '"'; i++)
        {
            if (series[i] == '\\' && i + 1 < series.Length)
            {
                i++;
                value.Append(series[i] == 'n' ? '\n' : series[i]);
            }
            else
            {
                value.Append(series[i]);
            }
        }

        return value.ToString();
    }

    private static string NameOf(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Histogram => "histogram",
        _ => "gauge",
    };

    private static string Escape(string text, bool quotes)
    {
        text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : double.IsNaN(value) ? "NaN"
        : value.ToString(Math.Abs(value) < 1e15 && value == Math.Truncate(value) ? "0" : "R", CultureInfo.InvariantCulture);

    private static bool TryNumber(string text, out double value)
    {
        value = text switch { "+Inf" => double.PositiveInfinity, "-Inf" => double.NegativeInfinity, "NaN" => double.NaN, _ => 0 };
        return value != 0 || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }
}
