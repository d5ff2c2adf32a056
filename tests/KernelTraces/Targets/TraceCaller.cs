namespace FastIova.KernelTraces;

/// <summary>A process of the recorded kind, played by this one: its credentials and its file descriptors.</summary>
/// <remarks>
/// Owns: the descriptors of this process that it adopted, until it closes them.
/// Threads: one. A new caller is a new process without open files.
/// </remarks>
internal sealed class TraceCaller : Caller
{
    // A process begins with three files that are none of the engine's: those of this process.
    private const int InheritedFiles = 3;

    private readonly List<Entry?> _files = [.. Enumerable.Range(0, InheritedFiles).Select(fd => new Entry(null, fd))];
    private const int NoDescriptor = -1;

    private readonly MemorySpace _memory;
    private Credentials _credentials = Credentials.Root;

    internal TraceCaller(MemorySpace memory) => _memory = memory;

    internal override MemorySpace Memory => _memory;

    internal override MemoryTally User { get; } = new();

    internal override Func<long> LockLimitPages => () =>
        _credentials.LockLimitBytes is { } bytes ? bytes / (long)UserMemory.PageBytes : long.MaxValue;

    /// <summary>The descriptors that are open, without the inherited ones.</summary>
    internal int OpenFiles => _files.Count(file => file is not null) - InheritedFiles;

    internal void Become(Credentials credentials) => _credentials = credentials;

    internal override bool Has(Capability capability) => _credentials.UserId == 0;

    internal override int Install(OpenFile file) => Add(new Entry(file, NoDescriptor));

    /// <summary>Takes a descriptor of this process over.</summary>
    internal int Adopt(int descriptor) => Add(new Entry(null, descriptor));

    internal override void Uninstall(int fd) => _files[fd] = null;

    internal override bool TryResolve(int fd, out OpenFile? file)
    {
        Entry? entry = fd >= 0 && fd < _files.Count ? _files[fd] : null;
        file = entry?.File;
        return entry is not null;
    }

    internal override Errno TakeDescriptor(int fd, out Descriptor? taken)
    {
        taken = null;
        return fd >= 0 && fd < _files.Count && _files[fd] is { File: null } entry ? base.TakeDescriptor(entry.Descriptor, out taken) : Errno.BadDescriptor;
    }

    /// <summary>close.</summary>
    /// <returns>False when the descriptor is none.</returns>
    internal bool Close(int fd)
    {
        if (fd < InheritedFiles || fd >= _files.Count || _files[fd] is not { } entry)
        {
            return false;
        }

        _files[fd] = null;
        if (entry.File is { } file)
        {
            file.Close();
        }
        else
        {
            _ = NativeCalls.Close(entry.Descriptor);
        }

        return true;
    }

    private int Add(Entry entry)
    {
        int free = _files.IndexOf(null);
        if (free < 0)
        {
            free = _files.Count;
            _files.Add(null);
        }

        _files[free] = entry;
        return free;
    }

    /// <summary>What a descriptor stands for: a file of the engine, or a descriptor of this process.</summary>
    private sealed record Entry(OpenFile? File, int Descriptor);
}
