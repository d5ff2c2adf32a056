namespace FastIova.KernelTraces;

/// <summary>Lets one fault point fail in some of the ioctls of another target: what is answered then is arbitrary, but nothing may be lost.</summary>
/// <remarks>Threads: one.</remarks>
internal sealed class FaultyTarget : ITarget
{
    private const int CallsToOneFailure = 4;
    private const int DeepestPoint = 12;

    private readonly ITarget _inner;
    private readonly Random _random;

    /// <param name="inner">Who answers; disposed with this.</param>
    /// <param name="seed">Says which points fail.</param>
    internal FaultyTarget(ITarget inner, int seed)
    {
        _inner = inner;
        _random = new Random(seed);
    }

    /// <summary>The ioctls in which a point failed.</summary>
    internal int Failures { get; private set; }

    public void Begin(Credentials credentials) => _inner.Begin(credentials);

    public long Open(string path) => _inner.Open(path);

    public void Restrict() => _inner.Restrict();

    public long Ioctl(int fd, uint request, ulong argument)
    {
        if (_random.Next(CallsToOneFailure) != 0)
        {
            return _inner.Ioctl(fd, request, argument);
        }

        using FaultPlan plan = FaultPlan.Arm((ulong)_random.Next(1, DeepestPoint + 1));
        long result = _inner.Ioctl(fd, request, argument);
        Failures += plan.HasFailed ? 1 : 0;
        return result;
    }

    public long Close(int fd) => _inner.Close(fd);

    public long Read(int fd, ulong buffer, ulong count) => _inner.Read(fd, buffer, count);

    public long Write(int fd, ulong buffer, ulong count) => _inner.Write(fd, buffer, count);

    public int Adopt(int descriptor) => _inner.Adopt(descriptor);

    public long Map(int fd, ulong offset, ulong length, int protection, int flags, out ulong address) =>
        _inner.Map(fd, offset, length, protection, flags, out address);

    public long Unmap(ulong address, ulong length) => _inner.Unmap(address, length);

    public long Poll(int fd, out int returned) => _inner.Poll(fd, out returned);

    public string? HeldAtEnd() => _inner.HeldAtEnd();

    public void Dispose() => _inner.Dispose();
}
