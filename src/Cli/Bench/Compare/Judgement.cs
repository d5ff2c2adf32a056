namespace FastIova.Cli;

/// <summary>What a comparison says of one figure.</summary>
internal enum Verdict
{
    /// <summary>Not slower by more than is allowed.</summary>
    Equal,

    /// <summary>Faster by more than the limit: good news, or a reason to look what was left out.</summary>
    Faster,

    /// <summary>Slower by more than is allowed, and not by chance.</summary>
    Regressed,

    /// <summary>It looks slower, but the noise of what was measured is as large as that.</summary>
    Unclear,

    /// <summary>Only one of the two has it.</summary>
    Alone,
}

/// <summary>What was found out of one figure so far. Changes are natural logarithms: 0.0953 is ten per cent slower.</summary>
/// <param name="Verdict">The verdict; null while more rounds are needed.</param>
/// <param name="Change">The best estimate of the change.</param>
/// <param name="Noise">The half width of where the change lies for almost certain; infinity when too little was measured.</param>
/// <param name="Rounds">How often it was measured for this.</param>
internal readonly record struct Judgement(Verdict? Verdict, double Change, double Noise, int Rounds);
