namespace FastIova;

/// <summary>
/// A folder that stands for <c>/sys/kernel/debug</c>: the attributes of the kernel's fault injection, which exist here
/// without debugfs and without root. What they say has no meaning here; which step fails is said by fail-nth alone.
/// </summary>
/// <remarks>Owns: the folder. Programs of any user may write to its files, as root may to the kernel's.</remarks>
internal sealed class FaultInjectionView : IDisposable
{
    private const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private static readonly (string Name, string Value)[] Attributes =
    [
        ("probability", "0"), ("interval", "1"), ("times", "1"), ("space", "0"), ("verbose", "2"), ("task-filter", "N"),
        ("ignore-gfp-wait", "Y"), ("ignore-gfp-highmem", "Y"), ("cache-filter", "N"), ("min-order", "1"),
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fastiova-");

    internal FaultInjectionView()
    {
        File.SetUnixFileMode(Root, FolderMode);
        foreach (string injector in new[] { "failslab", "fail_page_alloc", "fail_iommufd" })
        {
            string folder = Path.Combine(Root, "sys/kernel/debug", injector);
            Directory.CreateDirectory(folder, FolderMode);
            foreach ((string name, string value) in Attributes)
            {
                string file = Path.Combine(folder, name);
                File.WriteAllText(file, value + "\n");
                File.SetUnixFileMode(file, FileMode);
            }
        }
    }

    /// <summary>The folder, as <see cref="DoorProtocol.ViewVariable"/> names it.</summary>
    internal string Root => _folder.FullName;

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (Exception lost) when (lost is IOException or UnauthorizedAccessException)
        {
            // A program may have put something there that is not ours to delete; the folder of temporary files is swept by others.
        }
    }
}
