namespace FastIova.KernelTraces;

/// <summary>A process of the recorded kind, played by this one: its credentials and its file descriptors.</summary>
/// <remarks>Threads: one. A new caller is a new process without open files.</remarks>
internal sealed class TraceCaller : Caller
{
    // A process begins with three files that are none of the engine's.
    private const int ForeignFiles = 3;

    private readonly List<OpenFile?> _files = [.. new OpenFile?[ForeignFiles]];
    private readonly MemorySpace _memory;
    private Credentials _credentials = Credentials.Root;

    internal TraceCaller(MemorySpace memory) => _memory = memory;

    internal override MemorySpace Memory => _memory;

    internal override MemoryTally User { get; } = new();

    internal override Func<long> LockLimitPages => () =>
        _credentials.LockLimitBytes is { } bytes ? bytes / (long)UserMemory.PageBytes : long.MaxValue;

    /// <summary>The descriptors that are open.</summary>
    internal int OpenFiles => _files.Count(file => file is not null);

    internal void Become(Credentials credentials) => _credentials = credentials;

    internal override bool Has(Capability capability) => _credentials.UserId == 0;

    internal override int Install(OpenFile file)
    {
        int free = _files.IndexOf(null, ForeignFiles);
        if (free < 0)
        {
            free = _files.Count;
            _files.Add(null);
        }

        _files[free] = file;
        return free;
    }

    internal override void Uninstall(int fd) => _files[fd] = null;

    internal override bool TryResolve(int fd, out OpenFile? file)
    {
        file = fd >= 0 && fd < _files.Count ? _files[fd] : null;
        return fd is >= 0 and < ForeignFiles || file is not null;
    }

    /// <summary>close.</summary>
    /// <returns>False when the descriptor is none.</returns>
    internal bool Close(int fd)
    {
        if (!TryResolve(fd, out OpenFile? file) || file is null)
        {
            return false;
        }

        _files[fd] = null;
        file.Close();
        return true;
    }
}
