namespace FastIova;

/// <summary>This process as a caller: for contexts that were opened by the library.</summary>
/// <remarks>
/// Its rights and its limit are those at the first call: a program that changes them opens an engine afterwards.
/// Threads: any, unlike other callers: nothing of it belongs to one call.
/// </remarks>
internal sealed class LocalCaller : Caller
{
    private readonly Engine _engine;

    // Read twice by two threads, they are the same; a lazy value would cost more than a map may.
    private OwnCredentials? _credentials;
    private MemoryTally? _user;

    internal LocalCaller(Engine engine)
    {
        _engine = engine;
        LockLimitPages = () => engine.Options.LockLimitPages ?? Credentials.LockLimitPages;
    }

    /// <summary>The numbers that ioctls of this process call file descriptors.</summary>
    internal LocalFiles Files { get; } = new();

    internal override MemorySpace Memory => OwnMemory.Instance;

    internal override MemoryTally User => _user ??= _engine.TallyOf(Credentials.User);

    internal override Func<long> LockLimitPages { get; }

    internal override bool Has(Capability capability) => (Credentials.Effective & (1UL << (int)capability)) != 0;

    internal override int Install(OpenFile file) => Files.Add(file);

    internal override void Uninstall(int fd) => Files.Remove(fd);

    internal override bool TryResolve(int fd, out OpenFile? file) => Files.TryGet(fd, out file);

    private OwnCredentials Credentials => _credentials ??= OwnCredentials.Read();
}
