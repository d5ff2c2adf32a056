namespace FastIova.Cli;

/// <summary>How much slower the machine itself was in one report than in another.</summary>
internal static class MachineDrift
{
    /// <summary>The first part of the ids that measure the machine and nothing of the engine.</summary>
    internal const string Suite = "machine/";

    /// <summary>Whether the figure measures the machine alone.</summary>
    internal static bool IsOfMachine(string id) => id.StartsWith(Suite, StringComparison.Ordinal);

    /// <summary>The median change of all figures of the machine suite and of all bounds that both reports hold: one of them alone jumps with the place of its pages.</summary>
    /// <param name="before">A report.</param>
    /// <param name="after">Another one.</param>
    /// <returns>The change as a logarithm, above zero when the machine became slower; zero when the reports have nothing of the kind in common.</returns>
    internal static double Between(Report before, Report after)
    {
        var old = before.Figures.ToDictionary(figure => figure.Id, StringComparer.Ordinal);
        var changes = new List<double>();
        foreach (Figure figure in after.Figures)
        {
            if (old.TryGetValue(figure.Id, out Figure? other) && Speed(figure) is { } now && Speed(other) is { } then)
            {
                changes.Add(Math.Log(now / then));
            }
        }

        if (changes.Count == 0)
        {
            return 0;
        }

        changes.Sort();
        int middle = changes.Count / 2;
        return changes.Count % 2 == 1 ? changes[middle] : (changes[middle - 1] + changes[middle]) / 2;
    }

    private static double? Speed(Figure figure)
    {
        double? speed = IsOfMachine(figure.Id) ? figure.BestNs : figure.BoundNs;
        return speed > 0 ? speed : null;
    }
}
