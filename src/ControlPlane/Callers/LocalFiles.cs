namespace FastIova;

/// <summary>What the ioctls of this process call file descriptors: numbers of open files of the engine.</summary>
/// <remarks>
/// <para>Owns: a descriptor of the operating system for each number, so that it means nothing else, and an ioctl that takes
/// descriptors knows which are the engine's. Nothing can be done with it but by the engine's calls.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class LocalFiles
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, (OpenFile File, Descriptor Number)> _files = [];

    /// <summary>Gives a file a number.</summary>
    /// <returns>The number, or a negative errno.</returns>
    internal int Add(OpenFile file)
    {
        if (Descriptor.TryReserve() is not { } number)
        {
            return -(int)Errno.TooManyFiles;
        }

        lock (_lock)
        {
            _files.Add(number.Number, (file, number));
            return number.Number;
        }
    }

    /// <summary>Takes a number back; the file is not closed.</summary>
    internal OpenFile? Remove(int number)
    {
        lock (_lock)
        {
            if (!_files.Remove(number, out (OpenFile File, Descriptor Number) found))
            {
                return null;
            }

            found.Number.Dispose();
            return found.File;
        }
    }

    /// <summary>Finds a file.</summary>
    internal bool TryGet(int number, out OpenFile? file)
    {
        lock (_lock)
        {
            bool isFound = _files.TryGetValue(number, out (OpenFile File, Descriptor Number) found);
            file = found.File;
            return isFound;
        }
    }
}
