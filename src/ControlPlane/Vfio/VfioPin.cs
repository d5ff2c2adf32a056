namespace FastIova;

/// <summary>The interrupt pin of a device as a driver sees it: an eventfd, masked once it is signalled, until the driver unmasks it.</summary>
/// <remarks>
/// Owns: the eventfds. Invariant: while it is enabled, asserted and not masked, it has been signalled; and then it is masked.
/// Threads: any; the level is told with the lock of the function held, and nothing above it is taken here.
/// </remarks>
internal sealed class VfioPin
{
    private readonly Lock _lock = new();
    private EventDescriptor? _trigger;
    private EventWatch? _unmask;
    private bool _isEnabled;
    private bool _isMasked;
    private bool _level;

    /// <summary>The device asserts the pin, or stops to.</summary>
    internal void SetLevel(bool asserted)
    {
        lock (_lock)
        {
            _level = asserted;
            Settle();
        }
    }

    /// <summary>Enables the pin, or gives an enabled one another eventfd.</summary>
    /// <param name="trigger">The eventfd, or null for none.</param>
    internal void Enable(EventDescriptor? trigger)
    {
        EventDescriptor? old;
        lock (_lock)
        {
            old = _trigger;
            _trigger = trigger;
            _isMasked = _isEnabled && _isMasked;
            _isEnabled = true;
            Settle();
        }

        old?.Dispose();
    }

    internal void Disable()
    {
        EventDescriptor? old;
        lock (_lock)
        {
            old = _trigger;
            _trigger = null;
            _isEnabled = false;
            _isMasked = false;
        }

        old?.Dispose();
        StopUnmasking();
    }

    internal void Mask()
    {
        lock (_lock)
        {
            _isMasked = true;
        }
    }

    internal void Unmask()
    {
        lock (_lock)
        {
            _isMasked = false;
            Settle();
        }
    }

    /// <summary>Signals the eventfd, whatever the device does: to test it.</summary>
    internal void Signal()
    {
        lock (_lock)
        {
            _trigger?.Signal();
        }
    }

    /// <summary>Unmasks whenever an eventfd is signalled.</summary>
    /// <returns><see cref="Errno.Busy"/> when another one does so.</returns>
    internal Errno UnmaskBy(EventDescriptor watched)
    {
        if (_unmask is not null)
        {
            watched.Dispose();
            return Errno.Busy;
        }

        _unmask = EventWatch.TryStart(watched, Unmask);
        return _unmask is null ? Errno.OutOfMemory : Errno.Success;
    }

    internal void StopUnmasking()
    {
        _unmask?.Dispose();
        _unmask = null;
    }

    private void Settle()
    {
        if (_isEnabled && _level && !_isMasked)
        {
            _isMasked = true;
            _trigger?.Signal();
        }
    }
}
