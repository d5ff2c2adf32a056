using System.Globalization;
using System.Text.RegularExpressions;

namespace FastIova.Cli;

/// <summary>Reads what <c>perf script -F comm,pid,tid,ip,sym,dso</c> prints: a line for each sample, then its stack from the innermost frame out, then an empty line.</summary>
internal static partial class PerfScript
{
    private const string Unknown = "[unknown]";

    // A damaged stack can be endless; nobody reads so deep a graph.
    private const int DepthMost = 200;

    // Below these nothing runs but what is measured, its preparations and its bounds.
    private static readonly string[] MeasuredBelow = ["Measure::Interleaved", "PinnedTeam::RunMember", "TwoThreads"];

    /// <summary>Gathers the samples.</summary>
    /// <param name="lines">The lines.</param>
    /// <param name="processes">Receives the processes that were seen.</param>
    /// <param name="setUp">Whether to keep what prepares the measurements: filling tables, compiling, writing the report.</param>
    /// <returns>The tree; its root stands for everything.</returns>
    internal static CallTree Read(IEnumerable<string> lines, ISet<int> processes, bool setUp)
    {
        var tree = new CallTree("all");
        var stack = new List<string>();
        string? thread = null;

        void End()
        {
            if (thread is not null)
            {
                int measured = stack.FindIndex(frame => Array.Exists(MeasuredBelow, below => frame.StartsWith(below, StringComparison.Ordinal)));
                if (!setUp && measured >= 0)
                {
                    stack.RemoveRange(measured + 1, stack.Count - measured - 1);
                }

                stack.Add(thread);
                stack.Reverse();
                if (setUp || measured >= 0)
                {
                    tree.Add(stack.ToArray());
                }
            }

            thread = null;
            stack.Clear();
        }

        foreach (string line in lines)
        {
            if (line.Length == 0)
            {
                End();
            }
            else if (!char.IsWhiteSpace(line[0]))
            {
                End();
                thread = Thread(line, processes);
            }
            else if (thread is not null && stack.Count < DepthMost && Frame(line) is { } frame && !(frame[0] == '[' && stack.Count > 0 && string.Equals(stack[^1], frame, StringComparison.Ordinal)))
            {
                // Of a library without names, one frame says as much as ten.
                stack.Add(frame);
            }
        }

        End();
        return tree;
    }

    // "dotnet 123/456 " or "Some name 123/456: ...": the name of a thread may hold spaces.
    private static string Thread(string line, ISet<int> processes)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (int i = 1; i < words.Length; i++)
        {
            int slash = words[i].IndexOf('/', StringComparison.Ordinal);
            if (slash > 0 && int.TryParse(words[i].AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out int process))
            {
                processes.Add(process);
                return string.Join(' ', words[..i]);
            }
        }

        return line.Trim();
    }

    private static string? Frame(string line)
    {
        string text = line.Trim();
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0)
        {
            return null;
        }

        string symbol = text[(space + 1)..];
        int library = symbol.LastIndexOf(" (", StringComparison.Ordinal);
        string place = library < 0 ? string.Empty : symbol[(library + 2)..].TrimEnd(')');
        symbol = library < 0 ? symbol : symbol[..library];
        return string.Equals(symbol, Unknown, StringComparison.Ordinal) && place.Length > 0 ? $"[{Path.GetFileName(place)}]" : Shortened(symbol);
    }

    /// <summary>Shortens the name that the runtime gives to compiled code: "uint64 [FastIova.Iotlb] FastIova.Probe::Look(…)[Optimized]" becomes "Probe::Look".</summary>
    internal static string Shortened(string symbol)
    {
        int colons = symbol.IndexOf("::", StringComparison.Ordinal);
        int assembly = colons < 0 ? -1 : symbol.LastIndexOf("] ", colons, StringComparison.Ordinal);
        if (assembly < 0)
        {
            return symbol;
        }

        int end = symbol.IndexOf('(', colons);
        return Qualifiers.Replace(symbol[(assembly + 2)..(end < 0 ? symbol.Length : end)], string.Empty);
    }

    [GeneratedRegex(@"([A-Za-z_][A-Za-z0-9_]*\.)+|`[0-9]+", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Qualifiers { get; }
}
