using System.Globalization;
using Spectre.Console;

namespace FastIova.Cli;

/// <summary>What an engine does, as a table: what counters say now, and what they gained a second.</summary>
/// <remarks>Threads: one.</remarks>
internal sealed class TopTable
{
    private const string Prefix = "fastiova_";
    private const int DevicesShown = 10;

    private static readonly (string Name, string Series)[] Rates =
    [
        ("look-ups", "lookups_total"), ("walks", "walks_total"), ("single walks", "single_walks_total"), ("ring requests", "requests_total"),
        ("accesses", "accesses_total"), ("bytes accessed", "accessed_bytes_total"), ("maps", "maps_total"), ("unmaps", "unmaps_total"),
        ("grace periods", "grace_period_seconds_count"), ("clients welcomed", "clients_welcomed_total"), ("clients disconnected", "clients_disconnected_total"),
    ];

    private static readonly (string Name, string Series)[] Levels =
    [
        ("clients", "clients"), ("files", "files"), ("rings", "rings"), ("contexts", "contexts"), ("ports", "ports"), ("domains", "domains"),
        ("bytes mapped", "mapped_bytes"), ("bytes of tables", "table_bytes"),
    ];

    private IReadOnlyDictionary<string, double>? _before;
    private TimeSpan _beforeAt;

    /// <summary>Makes the table of one reading.</summary>
    /// <param name="now">The series.</param>
    /// <param name="at">When it was read, from any start.</param>
    internal Table Make(IReadOnlyDictionary<string, double> now, TimeSpan at)
    {
        Table table = new Table().RoundedBorder().AddColumn("what").AddColumn(new TableColumn("now").RightAligned()).AddColumn(new TableColumn("a second").RightAligned());
        double seconds = (at - _beforeAt).TotalSeconds;
        foreach ((string name, string series) in Rates)
        {
            Add(table, name, Prefix + series, now, seconds);
        }

        table.AddRow("hit ratio", Percent(now.GetValueOrDefault(Prefix + "hit_ratio")), RecentHits(now));
        foreach ((string name, string series) in Levels)
        {
            if (now.TryGetValue(Prefix + series, out double value))
            {
                table.AddRow(name, Number(value), string.Empty);
            }
        }

        foreach ((string label, string family, string title) in new[]
        {
            ("reason", "faults_total", "fault"), ("device", "dma_refused_total", "refused"), ("limit", "limit_refusals_total", "beyond limit"),
            ("port", "ring_depth", "waiting at"), ("client", "client_pinned_bytes", "pinned by client"),
        })
        {
            string prefix = $"{Prefix}{family}{{";
            foreach (string series in now.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal) && now[key] != 0).OrderByDescending(key => now[key]).Take(DevicesShown))
            {
                Add(table, $"{title}: {PrometheusText.LabelOf(series, label)}", series, now, family.EndsWith("_total", StringComparison.Ordinal) ? seconds : 0);
            }
        }

        _before = now;
        _beforeAt = at;
        return table;
    }

    private void Add(Table table, string name, string series, IReadOnlyDictionary<string, double> now, double seconds)
    {
        if (now.TryGetValue(series, out double value))
        {
            string rate = _before is not null && seconds > 0 ? Number((value - _before.GetValueOrDefault(series)) / seconds) : string.Empty;
            table.AddRow(Markup.Escape(name), Number(value), rate);
        }
    }

    private string RecentHits(IReadOnlyDictionary<string, double> now)
    {
        double lookups = now.GetValueOrDefault(Prefix + "lookups_total") - (_before?.GetValueOrDefault(Prefix + "lookups_total") ?? 0);
        double walks = now.GetValueOrDefault(Prefix + "walks_total") - (_before?.GetValueOrDefault(Prefix + "walks_total") ?? 0);
        return _before is null || lookups <= 0 ? string.Empty : Percent(Math.Max(0, 1 - (walks / lookups)));
    }

    private static string Percent(double part) => part.ToString("0.0 %", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
