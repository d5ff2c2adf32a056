namespace FastIova;

/// <summary>Calls something whenever a counter of the operating system is signalled, and sets it back to zero.</summary>
/// <remarks>
/// <para>Owns: the counter, and a thread that waits for it.</para>
/// <para>Threads: any; the action runs on the thread of the watch. Teardown: after <see cref="Dispose"/> the action may run once more, to its end.</para>
/// </remarks>
internal sealed class EventWatch : IDisposable
{
    private readonly EventDescriptor _watched;
    private readonly EventDescriptor _stop;
    private readonly ReadinessSet _set;
    private readonly Action _signalled;
    private volatile bool _isStopped;

    private EventWatch(EventDescriptor watched, EventDescriptor stop, ReadinessSet set, Action signalled)
    {
        _watched = watched;
        _stop = stop;
        _set = set;
        _signalled = signalled;
    }

    /// <summary>Starts to watch.</summary>
    /// <param name="watched">The counter, which belongs to the watch from now on; also when this fails.</param>
    /// <param name="signalled">What to call.</param>
    /// <returns>Null when the system has no descriptors left.</returns>
    internal static EventWatch? TryStart(EventDescriptor watched, Action signalled)
    {
        EventDescriptor? stop = null;
        ReadinessSet? set = null;
        try
        {
            stop = EventDescriptor.TryCreate() ?? throw new IOException("No descriptor is left for an eventfd: raise the limit on open files (ulimit -n).");
            set = new ReadinessSet();
            set.Add(watched.Number, Readiness.Readable, 0);
            set.Add(stop.Number, Readiness.Readable, 1);
        }
        catch (IOException)
        {
            watched.Dispose();
            stop?.Dispose();
            set?.Dispose();
            return null;
        }

        var watch = new EventWatch(watched, stop, set, signalled);
        new Thread(watch.Run, 128 << 10) { IsBackground = true, Name = "fastiova-event" }.Start();
        return watch;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isStopped = true;
        _stop.Signal();
    }

    private void Run()
    {
        Span<ulong> keys = stackalloc ulong[2];
        while (!_isStopped)
        {
            _ = _set.Wait(keys, -1);
            if (!_isStopped && _watched.TryTake())
            {
                _signalled();
            }
        }

        _set.Dispose();
        _watched.Dispose();
        _stop.Dispose();
    }
}
