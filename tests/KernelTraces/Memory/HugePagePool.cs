using System.Globalization;

namespace FastIova.KernelTraces;

/// <summary>The 2 MiB pages of the machine: more are set aside while this is held, where this process may do that.</summary>
internal sealed class HugePagePool : IDisposable
{
    private const string Setting = "/proc/sys/vm/nr_hugepages";
    private const int Pages = 8;

    private readonly int? _before;

    private HugePagePool(int? before) => _before = before;

    /// <summary>Makes sure that some are free, as root.</summary>
    /// <returns>Gives them back when disposed; ask <see cref="UserMemory.HasHugePages"/> whether there are enough.</returns>
    internal static HugePagePool Open()
    {
        if (UserMemory.HasHugePages() || !Environment.IsPrivilegedProcess)
        {
            return new HugePagePool(null);
        }

        try
        {
            int before = int.Parse(File.ReadAllText(Setting), CultureInfo.InvariantCulture);
            File.WriteAllText(Setting, (before + Pages).ToString(CultureInfo.InvariantCulture));
            return new HugePagePool(before);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return new HugePagePool(null); // a container that may not set it
        }
    }

    public void Dispose()
    {
        if (_before is { } before)
        {
            File.WriteAllText(Setting, before.ToString(CultureInfo.InvariantCulture));
        }
    }
}
