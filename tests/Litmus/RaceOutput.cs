using System.Globalization;

namespace FastIova.Litmus;

/// <summary>The lines by which a racing child talks to its parent, as far as they have come.</summary>
internal sealed class RaceOutput
{
    internal const string TallyWord = "tally";
    internal const string ViolationWord = "violation";

    private readonly Lock _lock = new();
    private readonly Dictionary<Count, long> _counts = [];
    private readonly List<string> _errors = [];
    private string? _violation;

    /// <summary>What the child accused the engine of.</summary>
    internal string? Accusation
    {
        get
        {
            lock (_lock)
            {
                return _violation;
            }
        }
    }

    /// <summary>What the child, or its runtime, wrote to its error output.</summary>
    internal string[] Errors
    {
        get
        {
            lock (_lock)
            {
                return [.. _errors];
            }
        }
    }

    /// <summary>The last number that the child told of a count.</summary>
    internal long Of(Count what)
    {
        lock (_lock)
        {
            return _counts.GetValueOrDefault(what);
        }
    }

    internal void Take(string? line)
    {
        string[] words = line?.Split(' ', 3) ?? [];
        lock (_lock)
        {
            if (words.Length == 3 && words[0] is TallyWord && Enum.TryParse(words[1], out Count what))
            {
                _counts[what] = long.Parse(words[2], CultureInfo.InvariantCulture);
            }
            else if (words.Length > 1 && words[0] is ViolationWord)
            {
                _violation = line![(ViolationWord.Length + 1)..];
            }
        }
    }

    internal void TakeError(string? line)
    {
        if (!string.IsNullOrWhiteSpace(line))
        {
            lock (_lock)
            {
                _errors.Add(line.Trim());
            }
        }
    }
}
