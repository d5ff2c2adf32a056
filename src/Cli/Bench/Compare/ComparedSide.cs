namespace FastIova.Cli;

/// <summary>One side of a comparison: a report, a build that can be measured, or a report and the build behind it.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Report">What was measured earlier, or null.</param>
/// <param name="Build">What can be measured now, or null.</param>
internal sealed record ComparedSide(string Name, Report? Report, IBuild? Build);
