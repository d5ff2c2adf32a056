namespace FastIova.Cli;

/// <summary>A program beside the others of a service that makes calls which are refused, one after the other, when it is let.</summary>
/// <remarks>Owns: its process, and that of another client, which does nothing: whoever is alone is never made to wait. Threads: one.</remarks>
internal sealed class RefusedNeighbour : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly RoundTripProgram _other;
    private readonly RoundTripProgram _refused;

    /// <param name="neighbours">Whom it disturbs.</param>
    internal RefusedNeighbour(RingNeighbours neighbours)
    {
        _other = new RoundTripProgram("map", 1, neighbours.Door);
        _ = _other.Lap(); // from here on it is a client
        _refused = new RoundTripProgram("refused", 1, neighbours.Door);
        bool waits = While(() => SpinWait.SpinUntil(() => neighbours.RefusalsDelayed != 0, Patience));
        if (!waits)
        {
            Dispose();
            throw new BenchFailureException($"Within {Patience.TotalSeconds} s nobody was refused often enough to wait: its calls are not counted.");
        }
    }

    /// <summary>Does something while the calls are made.</summary>
    internal T While<T>(Func<T> work)
    {
        _refused.Ask();
        T result = work();
        _ = _refused.Lap();
        return result;
    }

    public void Dispose()
    {
        _refused.Dispose();
        _other.Dispose();
    }
}
