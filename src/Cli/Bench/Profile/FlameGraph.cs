using System.Globalization;
using System.Text;

namespace FastIova.Cli;

/// <summary>Draws a call tree as a flame graph: who called whom from the bottom up, each as wide as its share of the samples.</summary>
internal static class FlameGraph
{
    private const int Width = 1400;
    private const int RowHeight = 17;
    private const int Margin = 10;
    private const int Header = 46;
    private const double LetterWidth = 6.6;

    // Narrower than this nothing can be seen.
    private const double WidthLeast = 0.3;

    internal static string Of(CallTree tree, string title)
    {
        double perSample = (Width - (2.0 * Margin)) / Math.Max(1, tree.Samples);
        int depth = Depth(tree, perSample);
        int height = Header + ((depth + 1) * RowHeight) + Margin;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" width=\"{Width}\" height=\"{height}\" role=\"img\" font-family=\"ui-monospace, monospace\" font-size=\"11\">\n");
        text.Append(CultureInfo.InvariantCulture, $"<title>{LineChart.Html(title)}</title>\n<style>svg {{ background: #fff; }} text {{ fill: #1f2328; pointer-events: none; }} rect {{ stroke: #fff; stroke-width: 0.5; }} g:hover rect {{ stroke: #000; }} @media (prefers-color-scheme: dark) {{ svg {{ background: #0d1117; }} text.head {{ fill: #e6edf3; }} rect {{ stroke: #0d1117; }} g:hover rect {{ stroke: #fff; }} }}</style>\n");
        text.Append(CultureInfo.InvariantCulture, $"<text class=\"head\" x=\"{Margin}\" y=\"20\" font-size=\"15\">{LineChart.Html(title)}</text><text class=\"head\" x=\"{Margin}\" y=\"37\">{tree.Samples} samples; point at a frame to read it</text>\n");
        Draw(text, tree, Margin, 0, height, perSample, tree.Samples);
        return text.Append("</svg>\n").ToString();
    }

    private static int Depth(CallTree at, double perSample) =>
        at.Callees.Where(callee => callee.Samples * perSample >= WidthLeast).Select(callee => Depth(callee, perSample) + 1).DefaultIfEmpty(0).Max();

    private static void Draw(StringBuilder text, CallTree at, double x, int depth, int height, double perSample, long all)
    {
        double width = at.Samples * perSample;
        if (width < WidthLeast)
        {
            return;
        }

        int y = height - Margin - ((depth + 1) * RowHeight);
        int letters = (int)((width - 4) / LetterWidth);
        string label = at.Name.Length <= letters ? at.Name : letters < 3 ? string.Empty : at.Name[..(letters - 1)] + "…";
        double share = at.Samples * 100.0 / Math.Max(1, all);
        text.Append(CultureInfo.InvariantCulture, $"<g><title>{LineChart.Html(at.Name)}: {at.Samples} samples, {share:0.0} %</title><rect x=\"{x:0.##}\" y=\"{y}\" width=\"{width:0.##}\" height=\"{RowHeight - 1}\" fill=\"{Colour(at.Name)}\"/>");
        text.Append(label.Length == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"<text x=\"{x + 2:0.##}\" y=\"{y + 12}\">{LineChart.Html(label)}</text>")).Append("</g>\n");
        foreach (CallTree callee in at.Callees)
        {
            Draw(text, callee, x, depth + 1, height, perSample, all);
            x += callee.Samples * perSample;
        }
    }

    // A name has its colour in every graph; warm ones, on which black text can be read.
    private static string Colour(string name)
    {
        uint hash = 2166136261;
        foreach (char c in name)
        {
            hash = (hash ^ c) * 16777619;
        }

        return string.Create(CultureInfo.InvariantCulture, $"hsl({hash % 40 + 15},{70 + (hash >> 8) % 20}%,{62 + (hash >> 16) % 14}%)");
    }
}
