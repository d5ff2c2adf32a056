namespace FastIova;

/// <summary>The traces that come with the source: the build lays them beside the program.</summary>
internal static class ShippedTraces
{
    /// <summary>The folder, which need not exist.</summary>
    internal static string Folder => Path.Combine(AppContext.BaseDirectory, "dma-traces");

    /// <summary>The files in the order of their names; none when the folder is missing.</summary>
    /// <returns>Full paths.</returns>
    internal static IReadOnlyList<string> Find()
    {
        if (!Directory.Exists(Folder))
        {
            return [];
        }

        string[] files = Directory.GetFiles(Folder, "*.dmt*");
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }

    /// <summary>Finds one file.</summary>
    /// <param name="name">The name of the trace, as in <c>ext4_tree_strict</c>.</param>
    /// <returns>The full path.</returns>
    /// <exception cref="FileNotFoundException">No such trace; the message lists those that are there.</exception>
    internal static string Find(string name)
    {
        IReadOnlyList<string> files = Find();
        foreach (string file in files)
        {
            if (string.Equals(DmaTrace.ShortName(file), name, StringComparison.Ordinal))
            {
                return file;
            }
        }

        string remedy = files.Count == 0
            ? "the folder is empty or missing: build from a clone that has data/dma-traces."
            : $"choose one of {string.Join(", ", files.Select(DmaTrace.ShortName))}.";
        throw new FileNotFoundException($"No trace \"{name}\" in {Folder}: {remedy}", name);
    }
}
