namespace FastIova;

/// <content>Who works outside the lock, and who must be alone (I3).</content>
internal sealed partial class Ioas
{
    private readonly object _gate = new();
    private int _underway;
    private int _wantAlone;

    /// <summary>Takes the lock to map or unmap; those who want to be alone go first.</summary>
    private void EnterToWork()
    {
        _lock.Enter();
        while (_wantAlone != 0)
        {
            WaitAtGate();
        }
    }

    /// <summary>Takes the lock when no thread is underway.</summary>
    private void EnterAlone()
    {
        _lock.Enter();
        if (_underway != 0)
        {
            _wantAlone++;
            do
            {
                WaitAtGate();
            }
            while (_underway != 0);
            _wantAlone--;
        }
    }

    /// <summary>Gives the lock back after <see cref="EnterAlone"/>.</summary>
    private void ExitAlone()
    {
        _lock.Exit();
        OpenGate();
    }

    /// <summary>Leaves the lock for work outside it; <see cref="ComeBack"/> ends it.</summary>
    private void GoUnderway()
    {
        _underway++;
        _lock.Exit();
    }

    /// <summary>Takes the lock again at the end of the work.</summary>
    private void ComeBack()
    {
        _lock.Enter();
        _underway--;
    }

    /// <summary>Gives the lock back after <see cref="ComeBack"/>.</summary>
    private void ExitFromWork()
    {
        bool last = _underway == 0 && _wantAlone != 0;
        _lock.Exit();
        if (last)
        {
            OpenGate();
        }
    }

    // The gate is taken before the lock is given back, so that whoever changes what is waited for afterwards finds a sleeper.
    private void WaitAtGate()
    {
        lock (_gate)
        {
            _lock.Exit();
            Monitor.Wait(_gate);
        }

        _lock.Enter();
    }

    private void OpenGate()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
