using System.Globalization;

namespace FastIova.KernelTraces;

/// <summary>A recorded trace: what one process did with one open file, and what the kernel answered.</summary>
internal sealed class Trace
{
    private const string DefaultDevice = "/dev/iommu";
    private const string HugeFile = "fd=0x40005";

    private Trace(string name, IReadOnlyList<string> text)
    {
        Name = name;
        Text = text;
        bool isHandMade = Setting("seed") is null;
        Device = Setting("dev") ?? DefaultDevice;
        HasHugePages = string.Equals(Setting("huge"), "1", StringComparison.Ordinal) || (isHandMade && text.Any(line => line.Contains(HugeFile, StringComparison.Ordinal)));
        HasFiles = isHandMade || Setting("scatter") is not null;
    }

    /// <summary>The name of its file.</summary>
    internal string Name { get; }

    /// <summary>Every line as it was written, remarks included.</summary>
    internal IReadOnlyList<string> Text { get; }

    /// <summary>The node that was opened.</summary>
    internal string Device { get; }

    /// <summary>Whether the process had 2 MiB pages prepared.</summary>
    internal bool HasHugePages { get; }

    /// <summary>Whether it had files prepared; the traces of Linux 6.12 had none.</summary>
    internal bool HasFiles { get; }

    internal static Trace Read(string name, TextReader reader)
    {
        List<string> text = [];
        while (reader.ReadLine() is { } line)
        {
            text.Add(line);
        }

        return new Trace(name, text);
    }

    internal static bool IsRemark(string line) => line.StartsWith('#');

    /// <summary>The operations in their order.</summary>
    /// <exception cref="FormatException">A line is no operation; the message names it.</exception>
    internal IEnumerable<TraceLine> Lines()
    {
        for (int i = 0; i < Text.Count; i++)
        {
            if (!IsRemark(Text[i]))
            {
                TraceLine line;
                try
                {
                    line = TraceLine.Parse(Text[i]);
                }
                catch (FormatException complaint)
                {
                    throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{Name}, line {i + 1}: {complaint.Message}"), complaint);
                }

                yield return line;
            }
        }
    }

    // The first remark names the settings: # seed=1 ops=200 profile=1 dev=/dev/iommu huge=0 fault=0 notest=0 scatter=1
    // The last one came with 7.3 and says that no neighbours of the prepared pages were neighbours in physical memory.
    // Traces made by hand name none.
    private string? Setting(string name)
    {
        string first = Text.Count > 0 && IsRemark(Text[0]) ? Text[0] : string.Empty;
        return first.Split(' ')
            .Where(word => word.StartsWith(name + "=", StringComparison.Ordinal))
            .Select(word => word[(name.Length + 1)..])
            .FirstOrDefault();
    }
}
