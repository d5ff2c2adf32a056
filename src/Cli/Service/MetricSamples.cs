using System.Diagnostics.Metrics;
using System.Globalization;

namespace FastIova.Cli;

/// <summary>What kind of metric a family is, in the words of Prometheus.</summary>
internal enum MetricKind
{
    /// <summary>Goes up and down.</summary>
    Gauge,

    /// <summary>Only grows, until the process ends.</summary>
    Counter,

    /// <summary>A distribution: buckets, sum and count.</summary>
    Histogram,
}

/// <summary>One time series of a family.</summary>
/// <param name="Suffix">What follows the name of the family: of a histogram's parts, else nothing.</param>
/// <param name="Labels">The labels.</param>
/// <param name="Value">The value.</param>
internal sealed record MetricSample(string Suffix, IReadOnlyList<KeyValuePair<string, string>> Labels, double Value);

/// <summary>One metric with its time series.</summary>
/// <param name="Name">The name, as Prometheus wants it.</param>
/// <param name="Kind">The kind.</param>
/// <param name="Help">What it is.</param>
/// <param name="Samples">The time series; no two have the same labels.</param>
internal sealed record MetricFamily(string Name, MetricKind Kind, string Help, IReadOnlyList<MetricSample> Samples);

/// <summary>Observes every instrument of the process's meter "FastIova".</summary>
/// <remarks>Owns: a listener. Threads: any; readings take turns.</remarks>
internal sealed class MetricSamples : IDisposable
{
    private static readonly string[] HistogramParts = [IommuMeter.BucketSuffix, ".sum", ".count"];

    private readonly Lock _gate = new();
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, Family> _families = new(StringComparer.Ordinal);

    internal MetricSamples()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (string.Equals(instrument.Meter.Name, IommuMeter.Name, StringComparison.Ordinal))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>Reads everything once.</summary>
    /// <returns>The families, by name.</returns>
    internal IReadOnlyList<MetricFamily> Read()
    {
        lock (_gate)
        {
            _families.Clear();
            _listener.RecordObservableInstruments();
            return [.. _families.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => each.Value.Finish(each.Key))];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string name = instrument.Name;
        string suffix = string.Empty;
        MetricKind kind = instrument.GetType().GetGenericTypeDefinition() == typeof(ObservableCounter<>) ? MetricKind.Counter : MetricKind.Gauge;
        foreach (string part in HistogramParts)
        {
            if (name.EndsWith(part, StringComparison.Ordinal))
            {
                name = name[..^part.Length];
                suffix = part.Replace('.', '_');
                kind = MetricKind.Histogram;
            }
        }

        name = NameOf(name, instrument.Unit, kind);
        if (!_families.TryGetValue(name, out Family? family))
        {
            _families[name] = family = new Family(kind);
        }

        // The help of a histogram is that of its buckets.
        family.Help = kind != MetricKind.Histogram || suffix is "_bucket" ? instrument.Description ?? string.Empty : family.Help;
        var labels = new List<KeyValuePair<string, string>>(tags.Length);
        foreach ((string key, object? label) in tags)
        {
            labels.Add(new(Clean(key), Convert.ToString(label, CultureInfo.InvariantCulture) ?? string.Empty));
        }

        family.Add(suffix, labels, value);
    }

    // The convention: the unit in the name, and _total behind what only grows.
    private static string NameOf(string name, string? unit, MetricKind kind) => Clean(name)
        + unit switch { "By" => "_bytes", "s" => "_seconds", "1" => "_ratio", _ => string.Empty }
        + (kind == MetricKind.Counter ? "_total" : string.Empty);

    private static string Clean(string name) => string.Concat(name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));

    private sealed class Family(MetricKind kind)
    {
        private readonly Dictionary<string, MetricSample> _samples = new(StringComparer.Ordinal);

        internal string Help { get; set; } = string.Empty;

        internal void Add(string suffix, List<KeyValuePair<string, string>> labels, double value)
        {
            // Two things of one name are told as one: a series that is there twice would void the whole answer.
            string key = $"{suffix}\0{string.Join('\0', labels.Select(label => $"{label.Key}\0{label.Value}"))}";
            double before = _samples.TryGetValue(key, out MetricSample? sample) ? sample.Value : 0;
            _samples[key] = new MetricSample(suffix, labels, before + value);
        }

        internal MetricFamily Finish(string name) => new(name, kind, Help, [.. _samples.Values]);
    }
}
