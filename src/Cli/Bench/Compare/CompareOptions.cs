namespace FastIova.Cli;

/// <summary>What the user asked of <c>fastiova bench compare</c>.</summary>
/// <param name="Base">The old side: a report, a build or "now".</param>
/// <param name="New">The new side.</param>
/// <param name="Terms">What counts as a regression.</param>
internal sealed record CompareOptions(string Base, string New, CompareTerms Terms)
{
    /// <summary>The build behind a report on the old side, or null.</summary>
    internal string? BaseBuild { get; init; }

    /// <summary>The build behind a report on the new side, or null.</summary>
    internal string? NewBuild { get; init; }

    /// <summary>Prefixes of the ids to compare; empty means all.</summary>
    internal IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Measure smaller sets.</summary>
    internal bool Quick { get; init; }

    /// <summary>Counted repetitions within each run, or null for the default.</summary>
    internal int? Reps { get; init; }

    /// <summary>The file for the summary in Markdown, or null.</summary>
    internal string? Summary { get; init; }

    /// <summary>Whether builds may be measured; otherwise reports are compared as they are.</summary>
    internal bool Measures => Terms.Rounds > 0;
}
