namespace FastIova.Cli;

/// <summary>Finds the repository that the command belongs to.</summary>
internal static class RepositoryRoot
{
    private const string Marker = "FastIova.sln";

    /// <summary>Walks up from the current folder, then from the program's own.</summary>
    /// <returns>The folder that holds FastIova.sln, or null.</returns>
    internal static string? Find() => Above(Directory.GetCurrentDirectory()) ?? Above(AppContext.BaseDirectory);

    /// <summary>Walks up from a folder.</summary>
    /// <param name="folder">Where to start; it counts itself.</param>
    /// <returns>The folder that holds FastIova.sln, or null.</returns>
    internal static string? Above(string folder)
    {
        for (DirectoryInfo? here = new(folder); here is not null; here = here.Parent)
        {
            if (File.Exists(Path.Combine(here.FullName, Marker)))
            {
                return here.FullName;
            }
        }

        return null;
    }
}
