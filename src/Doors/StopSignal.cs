using System.Text;

namespace FastIova;

/// <summary>Wakes whoever waits on a set of descriptors, once and for good.</summary>
/// <remarks>Owns: a connection within the process, whose far end is closed as the signal. Threads: any.</remarks>
internal sealed class StopSignal : IDisposable
{
    private readonly UnixSocket _near;
    private readonly UnixSocket _far;
    private readonly ManualResetEventSlim _given = new();
    private volatile bool _isSet;

    /// <param name="set">The set that someone waits on.</param>
    /// <param name="key">What the set answers for the signal.</param>
    internal StopSignal(ReadinessSet set, ulong key)
    {
        (_near, _far) = UnixSocket.Pair(Encoding.ASCII.GetBytes($"\0fastiova-stop/{Guid.NewGuid():n}"));
        set.Add(_near.Number, Readiness.PeerGone, key);
    }

    /// <summary>Whether the signal was given.</summary>
    internal bool IsSet => _isSet;

    /// <summary>Sleeps until the signal is given, or a time is over.</summary>
    internal void Wait(TimeSpan most) => _given.Wait(most);

    /// <summary>Gives the signal.</summary>
    internal void Set()
    {
        _isSet = true;
        _given.Set();
        _far.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _far.Dispose();
        _near.Dispose();
        _given.Dispose();
    }
}
