namespace FastIova.Cli;

/// <summary>What the user asked of <c>fastiova bench</c>.</summary>
/// <param name="Quick">Smaller sets, fewer repetitions.</param>
/// <param name="Reps">Counted repetitions, or null for the default.</param>
/// <param name="Only">Prefixes of the ids to measure; empty means all.</param>
/// <param name="Traces">Recorded traces to replay; empty means the default ones.</param>
/// <param name="Out">The folder of the report, or null for the default.</param>
internal sealed record BenchOptions(bool Quick, int? Reps, IReadOnlyList<string> Only, IReadOnlyList<string> Traces, string? Out)
{
    /// <summary>Whether the run measures less than the committed report holds.</summary>
    internal bool Partial => Quick || Only.Count > 0 || Traces.Count > 0;
}
