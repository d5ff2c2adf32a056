using System.Globalization;
using System.Net;
using System.Text;

namespace FastIova.Cli;

/// <summary>One line of a chart.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="Values">One value for each place of the axis; null where nothing was measured.</param>
/// <param name="IsBound">Whether it is what the machine can do: drawn in grey and dashed.</param>
internal sealed record ChartLine(string Name, IReadOnlyList<double?> Values, bool IsBound = false);

/// <summary>Draws lines over named places as an SVG that stands in a page: no script, colours by style sheet, a text for those who do not see it.</summary>
/// <param name="title">What the chart shows, as a sentence.</param>
/// <param name="unit">The unit of the values.</param>
/// <param name="places">The names along the horizontal axis.</param>
internal sealed class LineChart(string title, string unit, IReadOnlyList<string> places)
{
    private const int Left = 64;
    private const int Right = 16;
    private const int Top = 14;
    private const int Bottom = 44;

    /// <summary>The size of the drawing, in its own units.</summary>
    internal (int Width, int Height) Size { get; init; } = (640, 300);

    /// <summary>Whether each step up is ten times as much.</summary>
    internal bool Logarithmic { get; init; }

    /// <summary>Whether a line goes from point to point; it means nothing between places that have no order.</summary>
    internal bool Connected { get; init; } = true;

    /// <summary>The most names under the axis; of more, some are left out.</summary>
    internal int LabelsMost { get; init; } = 12;

    /// <summary>Draws.</summary>
    /// <param name="lines">The lines; those without any value are left out.</param>
    /// <returns>The SVG with its legend, or an empty text when there is nothing to draw.</returns>
    internal string Draw(params ReadOnlySpan<ChartLine> lines)
    {
        ChartLine[] drawn = [.. lines.ToArray().Where(line => line.Values.Any(value => value is not null))];
        double[] values = [.. drawn.SelectMany(line => line.Values).OfType<double>().Where(value => !Logarithmic || value > 0)];
        if (values.Length == 0)
        {
            return string.Empty;
        }

        var scale = Logarithmic ? ValueScale.Powers(values.Min(), values.Max()) : ValueScale.FromZero(values.Max());
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"<figure><svg viewBox=\"0 0 {Size.Width} {Size.Height}\" role=\"img\" aria-label=\"{Html(title)}, in {Html(unit)}\"><title>{Html(title)} ({Html(unit)})</title>");
        foreach (double tick in scale.Ticks)
        {
            double y = Y(scale.Place(tick));
            text.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Size.Width - Right}\" y1=\"{y:0.#}\" y2=\"{y:0.#}\"/><text class=\"tick\" x=\"{Left - 6}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{Number(tick)}</text>");
        }

        text.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" x=\"4\" y=\"{Top - 3}\">{Html(unit)}</text>");
        int step = Math.Max(1, (int)Math.Ceiling(places.Count / (double)LabelsMost));
        for (int i = 0; i < places.Count; i += step)
        {
            text.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" x=\"{X(i):0.#}\" y=\"{Size.Height - Bottom + 18}\" text-anchor=\"middle\">{Html(places[i])}</text>");
        }

        for (int i = 0; i < drawn.Length; i++)
        {
            DrawLine(text, drawn[i], i, scale);
        }

        text.Append("</svg><figcaption>").Append(Html(title)).Append(' ');
        for (int i = 0; i < drawn.Length && drawn.Length > 1; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"<span class=\"key {Class(drawn[i], i)}\">{Html(drawn[i].Name)}</span> ");
        }

        return text.Append("</figcaption></figure>\n").ToString();
    }

    internal static string Html(string text) => WebUtility.HtmlEncode(text);

    internal static string Number(double value) => value.ToString(value switch { 0 => "0", < 0.1 => "0.000", < 1 => "0.00", < 10 => "0.0#", < 1000 => "0.#", _ => "#,0" }, CultureInfo.InvariantCulture);

    private static string Class(ChartLine line, int index) => line.IsBound ? "bound" : $"s{index % 4}";

    private void DrawLine(StringBuilder text, ChartLine line, int index, ValueScale scale)
    {
        var path = new StringBuilder();
        var points = new StringBuilder();
        for (int i = 0; i < line.Values.Count; i++)
        {
            if (line.Values[i] is not { } value || (Logarithmic && value <= 0))
            {
                continue;
            }

            double x = X(i);
            double y = Y(scale.Place(value));
            path.Append(CultureInfo.InvariantCulture, $"{(path.Length == 0 ? 'M' : 'L')}{x:0.#} {y:0.#}");
            points.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"3.5\"><title>{Html(line.Name)}, {Html(places[i])}: {Number(value)} {Html(unit)}</title></circle>");
        }

        string drawn = Connected ? $"<path d=\"{path}\"/>" : string.Empty;
        text.Append(CultureInfo.InvariantCulture, $"<g class=\"{Class(line, index)}\">{drawn}{points}</g>");
    }

    private double X(int place) => places.Count == 1
        ? Left + ((Size.Width - Left - Right) / 2.0)
        : Left + 12 + ((Size.Width - Left - Right - 24.0) * place / (places.Count - 1));

    private double Y(double place) => Size.Height - Bottom - (place * (Size.Height - Top - Bottom));
}

/// <summary>Where values stand between the bottom and the top of a chart.</summary>
/// <param name="Ticks">The values with a line of their own, from the bottom up.</param>
/// <param name="Place">From a value to 0 (bottom) up to 1 (top).</param>
internal sealed record ValueScale(IReadOnlyList<double> Ticks, Func<double, double> Place)
{
    /// <summary>A scale from zero to a round number above the most.</summary>
    internal static ValueScale FromZero(double most)
    {
        double magnitude = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(most, 1e-9))));
        double step = (most / magnitude) switch { <= 1 => 0.25, <= 2 => 0.5, <= 4 => 1, _ => 2 } * magnitude;
        int count = Math.Max(1, (int)Math.Ceiling(most / step));
        return new ValueScale([.. Enumerable.Range(0, count + 1).Select(i => i * step)], value => value / (count * step));
    }

    /// <summary>A scale of powers of ten.</summary>
    internal static ValueScale Powers(double least, double most)
    {
        int bottom = (int)Math.Floor(Math.Log10(least));
        int top = Math.Max(bottom + 1, (int)Math.Ceiling(Math.Log10(most)));
        return new ValueScale([.. Enumerable.Range(bottom, top - bottom + 1).Select(power => Math.Pow(10, power))], value => (Math.Log10(value) - bottom) / (top - bottom));
    }
}
