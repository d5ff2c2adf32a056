namespace FastIova;

/// <summary>Event requests that a driver has left with the controller, and events that have not been told yet.</summary>
/// <remarks>
/// Invariant: after an event of a type was told, no further one of the type is until the driver has read its log page.
/// Threads: the controller's.
/// </remarks>
internal sealed class NvmeEvents
{
    internal const byte ErrorType = 0;
    internal const byte HealthType = 1;
    internal const byte WrongDoorbell = 0;
    internal const byte WrongValue = 1;
    internal const byte TemperatureThreshold = 1;

    /// <summary>The requests that can be outstanding.</summary>
    internal const int RequestsMost = 4;

    private const int Types = 2;

    private readonly ushort[] _requests = new ushort[RequestsMost];
    private readonly uint?[] _events = new uint?[Types];
    private readonly bool[] _told = new bool[Types];
    private int _count;

    /// <summary>Keeps a request until there is an event.</summary>
    /// <returns>False when too many are outstanding.</returns>
    internal bool TryKeep(ushort command)
    {
        if (_count == RequestsMost)
        {
            return false;
        }

        _requests[_count++] = command;
        return true;
    }

    /// <summary>Takes a request back.</summary>
    internal bool TryAbort(ushort command)
    {
        int at = Array.IndexOf(_requests, command, 0, _count);
        if (at < 0)
        {
            return false;
        }

        _count--;
        Array.Copy(_requests, at + 1, _requests, at, _count - at);
        return true;
    }

    /// <summary>Says that something has happened; one event of each type waits.</summary>
    internal void Add(byte type, byte what, byte log) => _events[type] ??= type | ((uint)what << 8) | ((uint)log << 16);

    /// <summary>Whether an event could be told now.</summary>
    internal bool IsDue => _count != 0 && DueType >= 0;

    /// <summary>The event to tell next, and the request that it answers; only when <see cref="IsDue"/>.</summary>
    internal uint Take(out ushort command)
    {
        int type = DueType;
        uint word = _events[type]!.Value;
        _events[type] = null;
        _told[type] = true;
        command = _requests[0];
        _ = TryAbort(command);
        return word;
    }

    /// <summary>A log page was read: events of its type are told again.</summary>
    internal void Clear(byte type) => _told[type] = false;

    internal void Clear()
    {
        _count = 0;
        Array.Clear(_events);
        Array.Clear(_told);
    }

    private int DueType
    {
        get
        {
            for (int type = 0; type < Types; type++)
            {
                if (_events[type] is not null && !_told[type])
                {
                    return type;
                }
            }

            return -1;
        }
    }
}
