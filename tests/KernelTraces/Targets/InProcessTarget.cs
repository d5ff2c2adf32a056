namespace FastIova.KernelTraces;

/// <summary>Calls an engine of this process.</summary>
internal sealed class InProcessTarget : ITarget
{
    private const int PollInvalid = 0x20;
    private const ulong UserEnd = 1UL << 47;

    private readonly Engine _engine;
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

    // What Linux checks before it asks the file, and what it does afterwards.
    public long Map(int fd, ulong offset, ulong length, int protection, int flags, out ulong address)
    {
        address = 0;
        Errno errno = !TryResolve(fd, out OpenFile? file) ? Errno.BadDescriptor
            : length == 0 || offset % UserMemory.PageBytes != 0 ? Errno.Invalid
            : length > UserEnd ? Errno.OutOfMemory
            : offset > ulong.MaxValue - length ? Errno.Overflow
            : Errno.Success;
        if (errno != Errno.Success)
        {
            return -(long)errno;
        }

        long result = file!.Map(_caller, offset, length, out SharedMemory? memory, out ulong memoryOffset);
        if (result < 0)
        {
            return result;
        }

        nint place = NativeCalls.Map(0, length, protection, flags, memory!.FileDescriptor, (long)memoryOffset);
        address = place == NativeCalls.MapFailed ? 0 : (ulong)place;
        return place == NativeCalls.MapFailed ? -(long)Errno.OutOfMemory : 0;
    }

    public long Unmap(ulong address, ulong length) => NativeCalls.Unmap(address, length) == 0 ? 0 : -(long)Errno.Invalid;

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
