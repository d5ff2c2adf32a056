using System.Collections.Concurrent;

namespace FastIova.Tests.ControlPlane;

/// <summary>The fault points that sweeps have let fail, by member and line.</summary>
internal static class SweptPoints
{
    private static readonly ConcurrentDictionary<(string Member, int Line), bool> Places = new();

    /// <summary>The plan of a sweep is over.</summary>
    internal static void Add(FaultPlan plan)
    {
        if (plan.HasFailed)
        {
            Places[plan.Failed] = true;
        }
    }

    /// <summary>Whether the point in a line of a source was let fail: its member stands above it.</summary>
    internal static bool Has(string[] lines, int index) =>
        Places.Keys.Any(place => place.Line == index + 1 && lines[..(index + 1)].Any(line => Names(line, place.Member)));

    private static bool Names(string line, string member) =>
        line.Contains($" {member}(", StringComparison.Ordinal) || line.Contains($" {member}<", StringComparison.Ordinal) || line.Contains($" {member} ", StringComparison.Ordinal);
}
