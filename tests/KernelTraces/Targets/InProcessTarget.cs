namespace FastIova.KernelTraces;

/// <summary>Calls an engine of this process.</summary>
internal sealed class InProcessTarget : ITarget
{
    private const int PollInvalid = 0x20;

    private readonly Engine _engine;
    private readonly Dictionary<ulong, FileMapping> _mappings = [];
    private TraceCaller _caller = new(OwnMemory.Instance);
    private Credentials _credentials = Credentials.Root;

    /// <param name="level">As which release of Linux it answers.</param>
    internal InProcessTarget(UapiLevel level) => _engine = new Engine(new EngineOptions { Level = level, TestBackend = true });

    public void Begin(Credentials credentials)
    {
        _credentials = credentials;
        _caller = new TraceCaller(OwnMemory.Instance);
    }

    public long Open(string path) => path switch
    {
        "/dev/iommu" => _caller.Install(_engine.Open(EngineNode.Iommu)),
        "/dev/vfio/vfio" => _caller.Install(_engine.Open(EngineNode.VfioContainer)),
        _ => -(long)Errno.NotFound,
    };

    public void Restrict() => _caller.Become(_credentials);

    public long Ioctl(int fd, uint request, ulong argument) =>
        TryResolve(fd, out OpenFile? file) ? file.Ioctl(_caller, request, argument) : -(long)Errno.BadDescriptor;

    public long Close(int fd) => _caller.Close(fd) ? 0 : -(long)Errno.BadDescriptor;

    public long Read(int fd, ulong buffer, ulong count) =>
        TryResolve(fd, out OpenFile? file) ? file.Read(_caller, buffer, count) : -(long)Errno.BadDescriptor;

    public long Write(int fd, ulong buffer, ulong count) =>
        TryResolve(fd, out OpenFile? file) ? file.Write(_caller, buffer, count) : -(long)Errno.BadDescriptor;

    public long Poll(int fd, out int returned)
    {
        returned = !TryResolve(fd, out OpenFile? file) ? PollInvalid
            : (file.IsReadable ? NativeCalls.PollIn : 0) | (file.IsWritable ? NativeCalls.PollOut : 0);
        return returned == 0 ? 0 : 1;
    }

    public int Adopt(int descriptor) => _caller.Adopt(descriptor);

    // The file says what to map and keeps it; where it lies in this process is nobody else's business.
    public long Map(int fd, ulong offset, ulong length, int protection, int flags, out ulong address)
    {
        address = 0;
        if (!TryResolve(fd, out OpenFile? file))
        {
            return -(long)Errno.BadDescriptor;
        }

        long result = file.Map(new MapRequest(offset, length, protection, flags), out FileMapping? mapping);
        if (mapping is null)
        {
            return result;
        }

        nint place = NativeCalls.Map(0, length, protection, flags, mapping.Memory.FileDescriptor, 0);
        if (place == NativeCalls.MapFailed)
        {
            mapping.Dispose();
            return -(long)Errno.OutOfMemory;
        }

        address = (ulong)place;
        _mappings.Add(address, mapping);
        return 0;
    }

    public long Unmap(ulong address, ulong length)
    {
        if (_mappings.Remove(address, out FileMapping? mapping))
        {
            mapping.Dispose();
        }

        return NativeCalls.Unmap(address, length) == 0 ? 0 : -(long)Errno.Invalid;
    }

    public string? HeldAtEnd()
    {
        MemoryTally tally = OwnMemory.Instance.Tally;
        (string Name, long Count)[] counts =
        [
            ("contexts", _engine.OpenContexts),
            ("files", _caller.OpenFiles),
            ("pins", PinLedger.TotalPinned),
            ("pages pinned for the process", tally.PinnedPages),
            ("pages locked by the process", tally.LockedPages),
            ("pages locked by the user", _caller.User.LockedPages),
        ];
        string held = string.Join(", ", counts.Where(count => count.Count != 0).Select(count => $"{count.Count} {count.Name}"));
        return held.Length == 0 ? null : held;
    }

    public void Dispose() => _engine.Dispose();

    private bool TryResolve(int fd, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out OpenFile? file) =>
        _caller.TryResolve(fd, out file) && file is not null;
}
