using System.Diagnostics;

namespace FastIova;

/// <summary>Connections whose makers are told no later (<see cref="RefusalPace"/>): nobody waits here but they.</summary>
/// <remarks>Owns: the connections, until each has its answer. Threads: the doorkeeper's.</remarks>
internal sealed class LateRefusals : IDisposable
{
    private readonly PriorityQueue<(UnixSocket Connection, int? Result), long> _waiting = new();

    /// <summary>How many wait.</summary>
    internal int Count => _waiting.Count;

    /// <summary>In how many milliseconds the first is due; -1 when nobody waits.</summary>
    internal int MillisecondsToFirst
    {
        get
        {
            if (!_waiting.TryPeek(out _, out long due))
            {
                return -1;
            }

            long now = Stopwatch.GetTimestamp();
            return due <= now ? 0 : (int)Math.Ceiling(Stopwatch.GetElapsedTime(now, due).TotalMilliseconds);
        }
    }

    /// <summary>Refuses at once, and closes the connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="result">The negative errno; null for whoever does not speak the protocol, and gets no answer.</param>
    internal static void Tell(UnixSocket connection, int? result)
    {
        if (result is { } errno)
        {
            Span<byte> answer = stackalloc byte[DoorProtocol.AnswerBytes];
            Greeting.Answer(answer, errno, 0);
            _ = connection.TrySend(answer);
        }

        connection.Dispose();
    }

    /// <summary>Refuses after a while.</summary>
    internal void Add(UnixSocket connection, int? result, TimeSpan wait) =>
        _waiting.Enqueue((connection, result), Stopwatch.GetTimestamp() + (long)(wait.TotalSeconds * Stopwatch.Frequency));

    /// <summary>Tells those whose time has come.</summary>
    internal void TellDue()
    {
        while (MillisecondsToFirst == 0)
        {
            TellFirst();
        }
    }

    /// <summary>Tells the first of them before its time: there must be one.</summary>
    internal void TellFirst()
    {
        (UnixSocket connection, int? result) = _waiting.Dequeue();
        Tell(connection, result);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_waiting.Count != 0)
        {
            TellFirst();
        }
    }
}
