using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What to wait for on a descriptor.</summary>
[Flags]
internal enum Readiness
{
    None = 0,

    /// <summary>A message, a connection, or the end of a process.</summary>
    Readable = 1,

    /// <summary>The last descriptor for the peer's end is closed.</summary>
    PeerGone = 2,

    /// <summary>Is told once, and then no more.</summary>
    Once = 4,
}

/// <summary>Many descriptors, of which one thread waits for those that are ready (epoll).</summary>
/// <remarks>Owns: one file descriptor. Threads: any.</remarks>
internal sealed unsafe class ReadinessSet : IDisposable
{
    private const int EventsAtOnce = 64;

    private readonly Descriptor _epoll;

    internal ReadinessSet()
    {
        int fd = Libc.EpollCreate(Libc.EpollCloseOnExec);
        _epoll = fd >= 0 ? new Descriptor(fd) : throw new IOException($"epoll_create1 failed with errno {Marshal.GetLastPInvokeError()}: raise the limit on open files (ulimit -n).");
    }

    /// <summary>Adds a descriptor. It leaves the set when it is closed and nobody else holds its open file.</summary>
    /// <param name="fd">The descriptor.</param>
    /// <param name="wanted">What to wait for; that the peer is gone is always reported.</param>
    /// <param name="key">What <see cref="Wait"/> answers for it.</param>
    internal void Add(int fd, Readiness wanted, ulong key)
    {
        var change = new Libc.EpollEvent
        {
            Events = (wanted.HasFlag(Readiness.Readable) ? Libc.EpollIn : 0) | (wanted.HasFlag(Readiness.PeerGone) ? Libc.EpollPeerHangUp : 0)
                | (wanted.HasFlag(Readiness.Once) ? Libc.EpollOnce : 0),
            Key = key,
        };

        // SAFETY: the kernel reads the change during the call only.
        if (Libc.EpollControl(_epoll.Number, Libc.EpollAdd, fd, &change) != 0)
        {
            throw new IOException($"Waiting for descriptor {fd} was refused with errno {Marshal.GetLastPInvokeError()}: raise fs.epoll.max_user_watches.");
        }
    }

    /// <summary>Takes a descriptor out.</summary>
    internal void Remove(int fd)
    {
        var nothing = default(Libc.EpollEvent);

        // SAFETY: as in Add; the kernel ignores it.
        _ = Libc.EpollControl(_epoll.Number, Libc.EpollRemove, fd, &nothing);
    }

    /// <summary>Waits until descriptors are ready.</summary>
    /// <param name="keys">Receives their keys.</param>
    /// <param name="milliseconds">How long at most; zero to look only, -1 for ever.</param>
    /// <returns>How many; zero also when a signal came.</returns>
    internal int Wait(Span<ulong> keys, int milliseconds)
    {
        Libc.EpollEvent* events = stackalloc Libc.EpollEvent[EventsAtOnce];

        // SAFETY: the kernel writes at most the events given.
        int count = Libc.EpollWait(_epoll.Number, events, Math.Min(keys.Length, EventsAtOnce), milliseconds);
        for (int i = 0; i < count; i++)
        {
            keys[i] = events[i].Key;
        }

        return Math.Max(count, 0);
    }

    /// <inheritdoc/>
    public void Dispose() => _epoll.Dispose();
}
