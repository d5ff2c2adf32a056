using System.Globalization;

namespace FastIova;

/// <summary>Reads <c>/proc/PID/smaps</c>, for kernels that cannot be asked for one mapping.</summary>
/// <remarks>Threads: any.</remarks>
internal static class ProcessMapsText
{
    private const string PageSizeLabel = "KernelPageSize:";

    /// <summary>Finds the mapping at an address, or the next one above it.</summary>
    /// <returns>False when there is none, or the process is gone.</returns>
    internal static bool TryFind(int process, ulong address, bool nextToo, out MemoryRegion region)
    {
        region = default;
        try
        {
            using var text = new StreamReader(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/smaps"));
            return TryFind(text, address, nextToo, out region);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Finds the mapping at an address, or the next one above it, in a text.</summary>
    /// <returns>False when there is none.</returns>
    internal static bool TryFind(TextReader text, ulong address, bool nextToo, out MemoryRegion region)
    {
        bool found = false;
        region = default;
        while (text.ReadLine() is { } line)
        {
            if (found)
            {
                if (line.StartsWith(PageSizeLabel, StringComparison.Ordinal))
                {
                    ReadOnlySpan<char> kilobytes = line.AsSpan(PageSizeLabel.Length).Trim();
                    region = region with { PageBytes = ulong.Parse(kilobytes[..^3], CultureInfo.InvariantCulture) << 10 };
                    break;
                }
            }
            else if (TryParse(line, out region))
            {
                found = region.Contains(address) || (nextToo && region.First > address);
                if (!found && region.First > address)
                {
                    break;
                }
            }
        }

        region = found ? region : default;
        return found;
    }

    // A mapping's line: first-end perms offset major:minor inode name. The lines below it begin with a label and a colon.
    private static bool TryParse(ReadOnlySpan<char> line, out MemoryRegion region)
    {
        region = default;
        Span<Range> fields = stackalloc Range[6];
        int count = line.Split(fields, ' ', StringSplitOptions.RemoveEmptyEntries);
        ReadOnlySpan<char> addresses = count >= 5 ? line[fields[0]] : default;
        int dash = addresses.IndexOf('-');
        if (dash < 0 || !TryHex(addresses[..dash], out ulong first) || !TryHex(addresses[(dash + 1)..], out ulong end))
        {
            return false;
        }

        ReadOnlySpan<char> allowed = line[fields[1]];
        ReadOnlySpan<char> device = line[fields[3]];
        int colon = device.IndexOf(':');
        if (allowed.Length < 4
            || colon < 0
            || !TryHex(line[fields[2]], out ulong offset)
            || !TryHex(device[..colon], out ulong major)
            || !TryHex(device[(colon + 1)..], out ulong minor)
            || !ulong.TryParse(line[fields[4]], NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode))
        {
            return false;
        }

        RegionFlags flags = (allowed[0] == 'r' ? RegionFlags.Readable : RegionFlags.None)
            | (allowed[1] == 'w' ? RegionFlags.Writable : RegionFlags.None)
            | (allowed[2] == 'x' ? RegionFlags.Executable : RegionFlags.None)
            | (allowed[3] == 's' ? RegionFlags.Shared : RegionFlags.None);
        region = new MemoryRegion(first, end - 1, flags, 4096, (major << 32) | minor, inode, offset);
        return true;
    }

    private static bool TryHex(ReadOnlySpan<char> text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
