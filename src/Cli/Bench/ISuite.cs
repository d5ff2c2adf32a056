namespace FastIova.Cli;

/// <summary>A group of measurements that share their set-up.</summary>
internal interface ISuite
{
    /// <summary>The first part of the ids of its figures, and what progress and complaints call it.</summary>
    string Name { get; }

    /// <summary>Measures every figure that <see cref="BenchRun.Wants"/> and adds it. Checks each answer before it reports a time.</summary>
    /// <param name="run">The run to add to.</param>
    /// <exception cref="BenchFailureException">An answer was wrong, or something could not be measured.</exception>
    void Run(BenchRun run);
}
