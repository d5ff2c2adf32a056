namespace FastIova;

/// <summary>A ring that a port serves: requests that other threads or processes published are translated and answered in order.</summary>
/// <remarks>
/// <para>Owns: its side of the ring.</para>
/// <para>Invariants. Q1: a request is translated, and its answer published, inside one scope of the port: when an unmap returns, no
/// answer that it makes void is published later. What a producer does with an answer afterwards the engine cannot
/// see: a driver unmaps only what it has the completions of, as with a real device.</para>
/// <para>Threads: the port's.</para>
/// </remarks>
public sealed class DmaQueue : IDisposable
{
    private readonly DmaPort _port;
    private readonly uint _pasid;
    private readonly RingConsumer _ring;

    internal DmaQueue(DmaPort port, TranslationRing ring, uint pasid)
    {
        _port = port;
        _pasid = pasid;
        _ring = ring.AttachConsumer();
        QueueCensus.Add(this);
    }

    /// <summary>Answers the requests that are there, at most a batch of 256.</summary>
    /// <returns>How many were answered; zero when none was there.</returns>
    public int Process() => _port.Answer(_ring, _pasid);

    /// <summary>Answers requests until it is cancelled, and waits as the ring was told to when there are none.</summary>
    /// <param name="cancellation">Ends it.</param>
    public void Run(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            if (Process() == 0)
            {
                try
                {
                    _ring.WaitRequests(Timeout.InfiniteTimeSpan, cancellation);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Waits for a request.</summary>
    /// <param name="timeout">The longest wait, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellation">Ends the wait early.</param>
    /// <returns>False when the time has passed.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellation = default) => _ring.WaitRequests(timeout, cancellation);

    /// <summary>Lets go of the ring; requests that are in it wait for whoever serves it next.</summary>
    public void Dispose()
    {
        QueueCensus.Remove(this);
        _ring.Dispose();
    }

    /// <summary>The port that answers.</summary>
    internal DmaPort Port => _port;

    /// <summary>The requests that wait in the ring.</summary>
    /// <remarks>Threads: any.</remarks>
    internal int Waiting => _ring.CountWaiting();
}
