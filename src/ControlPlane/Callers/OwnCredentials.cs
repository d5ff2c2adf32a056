using System.Globalization;

namespace FastIova;

/// <summary>What this process may do: its user, its capabilities, its limit of locked memory.</summary>
/// <param name="User">The real user.</param>
/// <param name="Effective">The effective capabilities, bit by bit.</param>
/// <param name="LockLimitPages">RLIMIT_MEMLOCK in pages, rounded down; <see cref="long.MaxValue"/> without a limit.</param>
internal sealed record OwnCredentials(uint User, ulong Effective, long LockLimitPages)
{
    /// <summary>Asks the kernel (proc(5): status and limits).</summary>
    internal static OwnCredentials Read()
    {
        string[] status = File.ReadAllLines("/proc/self/status");
        uint user = uint.Parse(FieldsOf(status, "Uid:")[1], CultureInfo.InvariantCulture);
        ulong effective = ulong.Parse(FieldsOf(status, "CapEff:")[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        string limit = FieldsOf(File.ReadAllLines("/proc/self/limits"), "Max locked memory")[3];
        long pages = long.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? bytes >> Frame.PageLg2 : long.MaxValue;
        return new OwnCredentials(user, effective, pages);
    }

    private static string[] FieldsOf(string[] lines, string name) =>
        lines.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
