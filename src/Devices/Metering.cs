using System.Diagnostics.CodeAnalysis;

namespace FastIova;

/// <summary>Whether anybody can listen to a meter: the framework's own switch, <c>MetricsSupport</c> of a project. A program compiled ahead of time without it has no code for it.</summary>
internal static class Metering
{
    private const string Switch = "System.Diagnostics.Metrics.Meter.IsSupported";

    [FeatureSwitchDefinition(Switch)]
    internal static bool IsSupported { get; } = !AppContext.TryGetSwitch(Switch, out bool isSupported) || isSupported;
}
