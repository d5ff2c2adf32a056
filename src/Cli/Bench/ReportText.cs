using System.Globalization;

namespace FastIova.Cli;

/// <summary>How numbers of a report are spelled for people, on the terminal and in bench.md alike.</summary>
internal static class ReportText
{
    internal const string Nothing = "–";

    internal static readonly string[] Columns = ["id", "best", "median", "bound", "ratio", "target", "met", "reps"];

    /// <summary>The cells of one figure, in the order of <see cref="Columns"/>.</summary>
    internal static string[] Cells(Figure figure) =>
    [
        figure.Id,
        Amount(figure.BestNs, figure.Unit),
        Amount(figure.MedianNs, figure.Unit),
        Amount(figure.BoundNs, figure.Unit),
        Ratio(figure.Ratio),
        Target(figure),
        figure.Met switch { true => "yes", false => "NO", null => Nothing },
        figure.Reps.ToString(CultureInfo.InvariantCulture),
    ];

    /// <summary>What a target asks for.</summary>
    internal static string Target(Figure figure) => figure.Target is null ? Nothing : $"≤ {Judged(figure, figure.Target)}";

    /// <summary>A number in the unit of the figure's target.</summary>
    internal static string Judged(Figure figure, double? value) =>
        figure.TargetUnit == TargetUnit.Ratio ? Ratio(value) : Amount(value, figure.TargetUnit == TargetUnit.Bytes ? Figure.Bytes : Figure.Nanoseconds);

    /// <summary>What can be said of the machine, one fact a pair.</summary>
    internal static IEnumerable<(string Name, string Value)> Facts(MachineFacts machine) =>
    [
        ("processor", machine.CpuModel),
        ("cores", machine.Cores.ToString(CultureInfo.InvariantCulture)),
        ("memory", string.Create(CultureInfo.InvariantCulture, $"{machine.MemoryBytes / (double)(1 << 30):0.0} GiB")),
        ("kernel", machine.Kernel),
        (".NET", machine.DotNet),
        ("instruction set", machine.Isa),
        ("transparent huge pages", machine.TransparentHugePages),
        ("nr_hugepages", machine.HugePages.ToString(CultureInfo.InvariantCulture)),
        ("commit", machine.Commit),
        ("date", machine.Date.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)),
    ];

    private static string Ratio(double? ratio) => ratio is { } value ? string.Create(CultureInfo.InvariantCulture, $"{value:0.00}x") : Nothing;

    // Three digits or so: more would claim a precision that the measurement does not have.
    internal static string Amount(double? amount, string unit)
    {
        if (amount is not { } value)
        {
            return Nothing;
        }

        string format = value switch { < 1 => "0.000", < 10 => "0.00", < 100 => "0.0", _ => "#,0" };
        return $"{value.ToString(format, CultureInfo.InvariantCulture)} {(string.Equals(unit, Figure.Bytes, StringComparison.Ordinal) ? "B" : unit)}";
    }
}
