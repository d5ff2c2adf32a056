using System.Globalization;

namespace FastIova.Cli;

/// <summary>Whether the machine has something else to do.</summary>
internal static class MachineLoad
{
    private const string LoadFile = "/proc/loadavg";

    /// <summary>Says that the machine is busy.</summary>
    /// <returns>The complaint; null when it is idle enough, or nothing is known.</returns>
    internal static string? Complaint() => File.Exists(LoadFile) ? Complaint(File.ReadAllText(LoadFile), Environment.ProcessorCount) : null;

    /// <summary>Says that a machine is busy.</summary>
    /// <param name="load">The kernel's line: the runnable threads over one minute come first.</param>
    /// <param name="processors">The processors.</param>
    /// <returns>The complaint, or null.</returns>
    internal static string? Complaint(string load, int processors)
    {
        string first = load.Split(' ')[0];
        return double.TryParse(first, NumberStyles.Float, CultureInfo.InvariantCulture, out double threads) && threads > processors
            ? $"the machine is busy (load {first} on {processors} processors): more figures will be unclear, and take more rounds; measure when it is idle."
            : null;
    }
}
