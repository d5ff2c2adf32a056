using System.Diagnostics;

namespace FastIova;

/// <summary>The thread of a device model: takes turns while there is work, looks on for a moment, then sleeps until it is woken.</summary>
/// <remarks>
/// Owns: the thread.
/// Invariant: a <see cref="Wake"/> after a change of the model's state is followed by a turn that sees the change.
/// Threads: any wake it and change what it polls; one disposes it, never from a turn.
/// </remarks>
internal sealed class ModelThread : IDisposable
{
    // How long to look on after the last work: a sleeper costs its waker microseconds, a looker its processor.
    private static readonly long LookTicks = Environment.ProcessorCount > 1 ? Stopwatch.Frequency / 50_000 : 0;
    private static readonly long PollTicks = Stopwatch.Frequency / 1000;

    private readonly object _bed = new();
    private readonly Func<bool> _turn;
    private readonly Thread _thread;
    private int _due;
    private bool _sleeps;
    private volatile bool _polls;
    private volatile bool _over;

    /// <param name="name">The name of the thread.</param>
    /// <param name="turn">Does some of the work there is; says whether there was any. Never throws.</param>
    internal ModelThread(string name, Func<bool> turn)
    {
        _turn = turn;
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Whether to look again each millisecond without being woken: somebody changes memory without a word.</summary>
    internal bool Polls
    {
        get => _polls;
        set
        {
            _polls = value;
            Wake();
        }
    }

    /// <summary>Says that there may be work.</summary>
    internal void Wake()
    {
        // A full fence between the news and the look at the sleeper, pairs with the one in Sleep: otherwise both could miss each other.
        _ = Interlocked.Exchange(ref _due, 1);
        if (Volatile.Read(ref _sleeps))
        {
            lock (_bed)
            {
                Monitor.Pulse(_bed);
            }
        }
    }

    /// <summary>Ends the thread after its turn. The second call does nothing.</summary>
    public void Dispose()
    {
        _over = true;
        Wake();
        _thread.Join();
    }

    private void Run()
    {
        long worked = Stopwatch.GetTimestamp();
        while (!_over)
        {
            _ = Interlocked.Exchange(ref _due, 0);
            if (_turn())
            {
                worked = Stopwatch.GetTimestamp();
                continue;
            }

            long idle = Stopwatch.GetTimestamp() - worked;
            if (idle < LookTicks)
            {
                Thread.SpinWait(8);
            }
            else if (_polls && idle < PollTicks)
            {
                _ = Thread.Yield();
            }
            else if (Sleep())
            {
                worked = Stopwatch.GetTimestamp();
            }
        }
    }

    // Says whether somebody woke it; it then looks on as after work.
    private bool Sleep()
    {
        lock (_bed)
        {
            Volatile.Write(ref _sleeps, true);
            Interlocked.MemoryBarrier();
            while (Volatile.Read(ref _due) == 0 && !_over)
            {
                if (!Monitor.Wait(_bed, _polls ? 1 : Timeout.Infinite))
                {
                    break;
                }
            }

            _sleeps = false;
            return Volatile.Read(ref _due) != 0;
        }
    }
}
