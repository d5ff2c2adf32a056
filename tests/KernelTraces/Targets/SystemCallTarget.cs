using System.Runtime.InteropServices;

namespace FastIova.KernelTraces;

/// <summary>Makes the system calls of this process: a kernel answers them, or what <c>fastiova run</c> preloads.</summary>
internal sealed unsafe class SystemCallTarget : ITarget
{
    private Credentials _credentials = Credentials.Root;
    private bool _isRestricted;

    public void Begin(Credentials credentials) => _credentials = credentials;

    public long Open(string path) => Result(NativeCalls.Open(path, NativeCalls.OpenReadWriteCloseOnExec));

    // Rights do not come back: the sets that take them away run last.
    public void Restrict()
    {
        if (_isRestricted)
        {
            return;
        }

        if (_credentials.LockLimitBytes is { } bytes)
        {
            ulong* limits = stackalloc ulong[2];
            limits[0] = limits[1] = (ulong)bytes;
            Demand(NativeCalls.SetLimit(NativeCalls.LimitMemoryLock, limits), "setrlimit");
        }

        if (_credentials.UserId is not 0 and uint user)
        {
            Demand(NativeCalls.SetGroups(0, null), "setgroups");
            Demand(NativeCalls.SetGroupIds(user, user, user), "setresgid");
            Demand(NativeCalls.SetUserIds(user, user, user), "setresuid");
        }

        _isRestricted = _credentials != Credentials.Root;
    }

    public long Ioctl(int fd, uint request, ulong argument) => Result(NativeCalls.Ioctl(fd, request, argument));

    public long Close(int fd) => Result(NativeCalls.Close(fd));

    public long Read(int fd, ulong buffer, ulong count) => Result(NativeCalls.Read(fd, buffer, count));

    public long Write(int fd, ulong buffer, ulong count) => Result(NativeCalls.Write(fd, buffer, count));

    public long Poll(int fd, out int returned)
    {
        var file = new NativeCalls.PollFile { Fd = fd, Events = NativeCalls.PollIn | NativeCalls.PollOut };
        long result = Result(NativeCalls.Poll(&file, 1, 0));
        returned = (ushort)file.Returned;
        return result;
    }

    public int Adopt(int descriptor) => descriptor;

    public long Map(int fd, ulong offset, ulong length, int protection, int flags, out ulong address)
    {
        nint place = NativeCalls.Map(0, length, protection, flags, fd, (long)offset);
        address = place == NativeCalls.MapFailed ? 0 : (ulong)place;
        return place == NativeCalls.MapFailed ? Result(-1) : 0;
    }

    public long Unmap(ulong address, ulong length) => Result(NativeCalls.Unmap(address, length));

    public string? HeldAtEnd() => null;

    public void Dispose()
    {
    }

    private static long Result(long result) => result < 0 ? -Marshal.GetLastPInvokeError() : result;

    private static void Demand(int result, string call)
    {
        if (result != 0)
        {
            throw new IOException($"{call} failed with errno {Marshal.GetLastPInvokeError()}: this set was recorded by a root who gave up its rights; replay it as root.");
        }
    }
}
