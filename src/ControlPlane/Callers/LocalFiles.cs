namespace FastIova;

/// <summary>What the ioctls of this process call file descriptors: numbers of open files of the engine, the lowest free one first.</summary>
/// <remarks>They are no descriptors of the operating system. Threads: any.</remarks>
internal sealed class LocalFiles
{
    private readonly Lock _lock = new();
    private readonly IdSet _numbers = new();
    private readonly Dictionary<uint, OpenFile> _files = [];

    /// <summary>Gives a file a number.</summary>
    internal int Add(OpenFile file)
    {
        lock (_lock)
        {
            uint number = _numbers.Take();
            _files.Add(number, file);
            return (int)number;
        }
    }

    /// <summary>Takes a number back; the file is not closed.</summary>
    internal OpenFile? Remove(int number)
    {
        lock (_lock)
        {
            if (!_files.Remove((uint)number, out OpenFile? file))
            {
                return null;
            }

            _numbers.Return((uint)number);
            return file;
        }
    }

    /// <summary>Finds a file.</summary>
    internal bool TryGet(int number, out OpenFile? file)
    {
        lock (_lock)
        {
            return _files.TryGetValue((uint)number, out file);
        }
    }
}
