namespace FastIova;

/// <summary>Whether a driver lets the device sleep (VFIO_DEVICE_FEATURE_LOW_POWER_*).</summary>
/// <remarks>
/// <para>Owns: the eventfd of a driver that wants to know when the device wakes. Invariants. Z1: a sleeping device wakes for every call on its
/// file, and sleeps on after it; with an eventfd it signals that and stays awake. Z2: its dma-bufs are revoked when it falls asleep.</para>
/// <para>Memory of a BAR that is mapped already can be used while the device sleeps; Linux would end the program.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class VfioPower(VfioDevice device)
{
    private readonly Lock _lock = new();
    private EventDescriptor? _wakeup;

    /// <summary>Whether it may sleep.</summary>
    internal bool IsAsleep { get; private set; }

    /// <summary>Lets it sleep.</summary>
    /// <param name="wakeup">What to signal when it wakes, or null; its own from now on, also when this fails.</param>
    /// <returns><see cref="Errno.Invalid"/> when it may already.</returns>
    internal Errno FallAsleep(EventDescriptor? wakeup)
    {
        // In the order of Linux: also when it sleeps already.
        device.DmaBufs.Revoke();
        lock (_lock)
        {
            if (!IsAsleep)
            {
                IsAsleep = true;
                _wakeup = wakeup;
                return Errno.Success;
            }
        }

        wakeup?.Dispose();
        return Errno.Invalid;
    }

    /// <summary>A driver uses the device.</summary>
    internal void Use()
    {
        if (!IsAsleep)
        {
            return;
        }

        lock (_lock)
        {
            if (_wakeup is not null)
            {
                _wakeup.Signal();
                End();
            }
        }
    }

    /// <summary>Does not let it sleep any more.</summary>
    internal void WakeUp()
    {
        lock (_lock)
        {
            End();
        }

        device.DmaBufs.Settle();
    }

    private void End()
    {
        IsAsleep = false;
        _wakeup?.Dispose();
        _wakeup = null;
    }
}
