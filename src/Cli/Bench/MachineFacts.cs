using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace FastIova.Cli;

/// <summary>Where and on what the figures were taken: without it they mean nothing.</summary>
/// <param name="CpuModel">As the processor names itself.</param>
/// <param name="Cores">The processors that this process may use.</param>
/// <param name="MemoryBytes">The machine's memory; zero when unknown.</param>
/// <param name="Kernel">The release of Linux.</param>
/// <param name="DotNet">The version of the runtime.</param>
/// <param name="Isa">The instruction set in force: scalar, 128, 256 or 512.</param>
/// <param name="TransparentHugePages">The kernel's setting: always, madvise or never.</param>
/// <param name="HugePages">The explicit huge pages of the kernel's pool (nr_hugepages).</param>
/// <param name="Commit">The commit that was measured, "+dirty" when sources differ from it, or "unknown".</param>
/// <param name="Date">When, in UTC.</param>
internal sealed record MachineFacts(
    string CpuModel,
    int Cores,
    long MemoryBytes,
    string Kernel,
    string DotNet,
    string Isa,
    string TransparentHugePages,
    int HugePages,
    string Commit,
    DateTimeOffset Date)
{
    private const string Unknown = "unknown";

    /// <summary>The processor's name as a name for a folder.</summary>
    internal string CpuFolder => FolderName(CpuModel);

    /// <summary>Looks at this machine.</summary>
    /// <param name="repository">The root of the repository, or null when it is not at hand.</param>
    /// <returns>The facts.</returns>
    internal static MachineFacts Gather(string? repository) => new(
        ValueOf("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        KibibytesOf("/proc/meminfo", "MemTotal") * 1024,
        FirstLine("/proc/sys/kernel/osrelease") ?? Unknown,
        Environment.Version.ToString(),
        IsaChoice.Name(IsaChoice.Current),
        Chosen(FirstLine("/sys/kernel/mm/transparent_hugepage/enabled")),
        int.TryParse(FirstLine("/proc/sys/vm/nr_hugepages"), CultureInfo.InvariantCulture, out int pages) ? pages : 0,
        (repository is null ? null : GitCommit.Of(repository)) ?? Unknown,
        DateTimeOffset.UtcNow);

    /// <summary>Keeps letters, digits, dots and underscores; whatever lies between them becomes one hyphen.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>A name for a folder; never empty, never "." or "..".</returns>
    internal static string FolderName(string text)
    {
        var name = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (char.IsAsciiLetterOrDigit(c) || c is '.' or '_')
            {
                name.Append(c);
            }
            else if (name.Length > 0 && name[^1] != '-')
            {
                name.Append('-');
            }
        }

        string trimmed = name.ToString().Trim('-', '.');
        return trimmed.Length == 0 ? Unknown : trimmed;
    }

    /// <summary>The setting in brackets, as the kernel marks the one in force: "always [madvise] never".</summary>
    /// <param name="settings">The kernel's line, or null.</param>
    /// <returns>The setting, or "unknown".</returns>
    internal static string Chosen(string? settings)
    {
        string[] parts = settings?.Split('[', ']') ?? [];
        return parts.Length == 3 ? parts[1] : Unknown;
    }

    private static string? ValueOf(string file, string key)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        foreach (string line in File.ReadLines(file))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon >= 0 && line.AsSpan(0, colon).Trim().SequenceEqual(key))
            {
                return line[(colon + 1)..].Trim();
            }
        }

        return null;
    }

    private static long KibibytesOf(string file, string key) =>
        long.TryParse(ValueOf(file, key)?.Split(' ')[0], CultureInfo.InvariantCulture, out long kibibytes) ? kibibytes : 0;

    private static string? FirstLine(string file) => File.Exists(file) ? File.ReadLines(file).FirstOrDefault()?.Trim() : null;
}
