namespace FastIova.Litmus;

/// <summary>Who takes part in a race.</summary>
internal enum Cast
{
    /// <summary>Everybody; each reader executes its own fences, so that no process-wide barrier hides a missing one.</summary>
    Fenced = 0,

    /// <summary>Everybody; half of the readers leave the fence to the writers.</summary>
    Mixed = 1,

    /// <summary>One device that reads, or writes, single addresses against one writer of two small sites: a short window is met most often.</summary>
    Duel = 2,
}

/// <summary>What is raced.</summary>
/// <param name="Flaw">The step to leave out, or none.</param>
/// <param name="Cast">Who takes part.</param>
/// <param name="Time">How long.</param>
/// <param name="Seed">Of all random choices.</param>
internal sealed record RaceTerms(Flaw Flaw, Cast Cast, TimeSpan Time, int Seed)
{
    private static readonly TimeSpan Extension = TimeSpan.FromSeconds(60);

    /// <summary>How long at most: the engine is raced until everything has happened that must, a control for its time only.</summary>
    internal TimeSpan Longest => Flaw == Flaw.None ? Time + Extension : Time;
}
