using System.Text;

namespace FastIova;

/// <summary>A folder whose files stand for those of the system, for programs that run with the shim: the shim puts its name before their paths.</summary>
/// <remarks>Owns: the folder. Threads: one at a time. Teardown: deletes it; never fails.</remarks>
internal sealed class ViewFolder : IDisposable
{
    private const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private const UnixFileMode ReadMode = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode WriteMode = ReadMode | UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fastiova-");

    internal ViewFolder() => File.SetUnixFileMode(Root, FolderMode);

    /// <summary>The folder, as <see cref="DoorProtocol.ViewVariable"/> names it.</summary>
    internal string Root => _folder.FullName;

    /// <summary>Makes a folder, and those above it.</summary>
    /// <param name="path">The path that programs know.</param>
    internal void AddFolder(string path) => Directory.CreateDirectory(Root + path, FolderMode);

    /// <summary>Makes a file that has a text and a line end.</summary>
    /// <param name="path">The path that programs know.</param>
    /// <param name="text">The text.</param>
    /// <param name="isWritable">Whether programs of any user may write to it; nobody looks at what they write.</param>
    internal void AddText(string path, string text, bool isWritable = false) => AddBytes(path, Encoding.UTF8.GetBytes(text + "\n"), isWritable);

    /// <summary>Makes a file.</summary>
    internal void AddBytes(string path, ReadOnlySpan<byte> bytes, bool isWritable = false)
    {
        AddFolder(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(Root + path, bytes);
        File.SetUnixFileMode(Root + path, isWritable ? WriteMode : ReadMode);
    }

    /// <summary>Makes what stands for a device node: its length is the number of the device, which the shim tells in the place of it.</summary>
    internal void AddNode(string path, DeviceNumber number)
    {
        AddFolder(Path.GetDirectoryName(path)!);
        using (FileStream stream = File.Create(Root + path))
        {
            stream.SetLength((long)number.Packed);
        }

        File.SetUnixFileMode(Root + path, WriteMode);
    }

    /// <summary>Makes a symbolic link.</summary>
    /// <param name="path">The path that programs know.</param>
    /// <param name="target">What it leads to, relative to its folder.</param>
    internal void AddLink(string path, string target)
    {
        AddFolder(Path.GetDirectoryName(path)!);
        File.CreateSymbolicLink(Root + path, target);
    }

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
