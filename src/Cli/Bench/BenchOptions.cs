namespace FastIova.Cli;

/// <summary>What the user asked of <c>fastiova bench</c>.</summary>
/// <param name="Quick">Smaller sets, fewer repetitions.</param>
/// <param name="Reps">Counted repetitions, or null for the default.</param>
/// <param name="Only">Prefixes of the ids to measure; empty means all.</param>
/// <param name="Traces">Recorded traces to replay; empty means the default ones.</param>
/// <param name="Out">The folder of the report, or null for the default.</param>
internal sealed record BenchOptions(bool Quick, int? Reps, IReadOnlyList<string> Only, IReadOnlyList<string> Traces, string? Out)
{
    /// <summary>The value of <see cref="Json"/> that stands for the standard output.</summary>
    internal const string StandardOutput = "-";

    /// <summary>Where the report for programs goes in place of a folder, or beside it when <see cref="Out"/> is given; null for nowhere else.</summary>
    internal string? Json { get; init; }

    /// <summary>The processes that measure everything, one after the other; 1 is this one.</summary>
    internal int Runs { get; init; } = 1;

    /// <summary>Whether the run measures less than the committed report holds.</summary>
    internal bool Partial => Quick || Only.Count > 0 || Traces.Count > 0;
}
