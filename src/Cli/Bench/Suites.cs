namespace FastIova.Cli;

/// <summary>All suites, in the order of the report.</summary>
internal static class Suites
{
    internal static IReadOnlyList<ISuite> All { get; } =
    [
        new MemorySpeedSuite(),
        new TranslateSuite(),
        new ReplaySuite(),
        new MapSuite(),
        new GraceSuite(),
        new RingSuite(),
        new ScaleSuite(),
        new IoctlSuite(),
        new FootprintSuite(),
        new MetricsSuite(),
        new ServiceSuite(),
        new NvmeSuite(),
        new NativeSuite(),
        .. PlantedSuite.Asked(),
    ];
}
