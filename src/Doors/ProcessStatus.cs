using System.Globalization;
using System.Text;

namespace FastIova;

/// <summary>The text of <c>/proc/PID/status</c> with what an engine has pinned and locked: the kernel would count the same if the engine were part of it.</summary>
/// <remarks>The numbers are those of the moment of the opening. Threads: any.</remarks>
internal static class ProcessStatus
{
    private const string Pinned = "VmPin:";
    private const string Locked = "VmLck:";

    /// <summary>Makes the text, as a file of its own.</summary>
    /// <param name="process">Whose it is.</param>
    /// <param name="pinnedPages">Pages to add to VmPin.</param>
    /// <param name="lockedPages">Pages to add to VmLck.</param>
    /// <returns>Null when the process is gone.</returns>
    internal static Descriptor? TryMake(int process, long pinnedPages, long lockedPages)
    {
        var text = new StringBuilder();
        try
        {
            foreach (string line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/status")))
            {
                text.Append(Added(line, Pinned, pinnedPages) ?? Added(line, Locked, lockedPages) ?? line).Append('\n');
            }
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        Descriptor? file = Descriptor.TryReserve();
        if (file is not null && file.WriteAt(Encoding.UTF8.GetBytes(text.ToString()), 0) > 0)
        {
            return file;
        }

        file?.Dispose();
        return null;
    }

    // A name, a tabulator, a number of KiB that ends in the column where the kernel's do, and the unit.
    private static string? Added(string line, string name, long pages)
    {
        if (!line.StartsWith(name, StringComparison.Ordinal)
            || !long.TryParse(line[name.Length..].Replace("kB", null, StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out long kib))
        {
            return null;
        }

        long sum = kib + (pages * (long)(Frame.PageBytes >> 10));
        return string.Create(CultureInfo.InvariantCulture, $"{name}\t{sum,8} kB");
    }
}
