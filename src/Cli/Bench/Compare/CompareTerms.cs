namespace FastIova.Cli;

/// <summary>What counts as a regression, and how long to look for it.</summary>
/// <param name="MaxRegression">The change that is allowed, as a fraction: 0.05 is five per cent.</param>
/// <param name="Rounds">The most rounds in which a suspicious figure is measured again.</param>
internal sealed record CompareTerms(double MaxRegression, int Rounds)
{
    internal const double DefaultRegression = 0.05;
    internal const int DefaultRounds = 60;

    /// <summary>Fewer rounds than this can prove nothing.</summary>
    internal const int RoundsLeast = 9;

    internal const int RoundsLast = 200;

    /// <summary>The limit as a logarithm, as changes are.</summary>
    internal double Limit => Math.Log(1 + MaxRegression);
}
