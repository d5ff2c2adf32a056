namespace FastIova.Cli;

/// <summary>A build of the program that can be asked to measure itself, as often as needed.</summary>
internal interface IBuild
{
    /// <summary>What progress and complaints call it.</summary>
    string Name { get; }

    /// <summary>Measures in a process of its own.</summary>
    /// <param name="only">Prefixes of the ids; empty means all.</param>
    /// <returns>What was measured.</returns>
    /// <exception cref="BenchFailureException">It could not be measured.</exception>
    Report Measure(IReadOnlyList<string> only);
}
