namespace FastIova.KernelTraces;

/// <summary>Calls an engine of this process, which answers as Linux 6.12 does.</summary>
internal sealed class InProcessTarget : ITarget
{
    private const int PollInvalid = 0x20;

    private readonly Engine _engine = new(new EngineOptions { Level = UapiLevel.Linux612, TestBackend = true });
    private TraceCaller _caller = new(OwnMemory.Instance);
    private Credentials _credentials = Credentials.Root;

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
