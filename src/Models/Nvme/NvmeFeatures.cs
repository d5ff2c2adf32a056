namespace FastIova;

/// <summary>What a driver can set with Set Features (NVMe 1.4, §5.21).</summary>
/// <remarks>Invariant: nothing is saved: after a reset every feature has its default again. Threads: the controller's.</remarks>
internal sealed class NvmeFeatures
{
    /// <summary>The temperature that the controller always has: 310 K.</summary>
    internal const uint Temperature = 310;

    private const byte Arbitration = 0x01;
    private const byte Power = 0x02;
    private const byte Threshold = 0x04;
    private const byte ErrorRecovery = 0x05;
    private const byte WriteCache = 0x06;
    private const byte Queues = 0x07;
    private const byte Coalescing = 0x08;
    private const byte Vector = 0x09;
    private const byte Atomicity = 0x0A;
    private const byte Events = 0x0B;
    private const byte Last = Events;
    private const uint TooHot = 343;

    private const int SelectDefault = 1;
    private const int SelectSaved = 2;
    private const int SelectCapabilities = 3;
    private const uint CanChange = 4;
    private const uint OfNamespace = 2;

    private readonly int _ioQueues;
    private readonly uint[] _values = new uint[Last + 1];
    private readonly bool[] _uncoalesced;
    private uint _underThreshold;

    internal NvmeFeatures(int ioQueues)
    {
        _ioQueues = ioQueues;
        _uncoalesced = new bool[ioQueues + 1];
        Reset();
    }

    /// <summary>Whether writes may wait in a cache until a flush.</summary>
    internal bool HasWriteCache => (_values[WriteCache] & 1) != 0;

    /// <summary>Whether the temperature is beyond what the driver has set.</summary>
    internal bool IsTemperatureBeyond => Temperature >= _values[Threshold] || Temperature <= _underThreshold;

    /// <summary>Whether the driver wants to be told so.</summary>
    internal bool TellsTemperature => (_values[Events] & 2) != 0;

    internal void Reset()
    {
        for (byte id = 0; id <= Last; id++)
        {
            _values[id] = Default(id);
        }

        _underThreshold = 0;
        Array.Clear(_uncoalesced);
    }

    internal NvmeStatus Get(in NvmeCommand command, out uint value)
    {
        byte id = (byte)command.Word10;
        int select = (int)((command.Word10 >> 8) & 7);
        value = 0;
        if (id is 0 or 3 or > Last || select > SelectCapabilities || (id == ErrorRecovery && command.Namespace is not NvmeNamespace.Id))
        {
            return id == ErrorRecovery && select <= SelectCapabilities ? NvmeStatus.InvalidNamespace : NvmeStatus.InvalidField;
        }

        if (id == Threshold && !IsThreshold(command.Word11))
        {
            return NvmeStatus.InvalidField;
        }

        if (id == Vector && (command.Word11 & 0xFFFF) >= (uint)_uncoalesced.Length)
        {
            return NvmeStatus.InvalidField;
        }

        value = select switch
        {
            SelectCapabilities => CanChange | (id == ErrorRecovery ? OfNamespace : 0),
            SelectDefault or SelectSaved when id == Threshold && IsUnder(command.Word11) => 0,
            SelectDefault or SelectSaved when id == Vector => command.Word11 & 0xFFFF,
            SelectDefault or SelectSaved => Default(id),
            _ when id == Threshold && IsUnder(command.Word11) => _underThreshold,
            _ when id == Vector => (command.Word11 & 0xFFFF) | (_uncoalesced[command.Word11 & 0xFFFF] ? 1u << 16 : 0),
            _ => _values[id],
        };
        return NvmeStatus.Success;
    }

    /// <param name="command">The command.</param>
    /// <param name="hasIoQueues">Whether there is one already: their number is settled before.</param>
    /// <param name="result">What the completion says.</param>
    internal NvmeStatus Set(in NvmeCommand command, bool hasIoQueues, out uint result)
    {
        byte id = (byte)command.Word10;
        uint value = command.Word11;
        result = 0;
        if (id is 0 or 3 or > Last)
        {
            return NvmeStatus.InvalidField;
        }

        if ((command.Word10 & (1u << 31)) != 0)
        {
            return NvmeStatus.FeatureNotSaveable;
        }

        switch (id)
        {
            case Power when (value & 0x1F) != 0:
            case Threshold when !IsThreshold(value):
            case Vector when (value & 0xFFFF) >= (uint)_uncoalesced.Length:
            case Queues when (value & 0xFFFF) == 0xFFFF || value >> 16 == 0xFFFF:
                return NvmeStatus.InvalidField;
            case Queues when hasIoQueues:
                return NvmeStatus.CommandSequence;
            case ErrorRecovery when command.Namespace is not (NvmeNamespace.Id or NvmeCommand.EveryNamespace):
                return NvmeStatus.InvalidNamespace;
            case Queues:
                result = _values[Queues];
                break;
            case Threshold when IsUnder(value):
                _underThreshold = value & 0xFFFF;
                break;
            case Threshold:
                _values[id] = value & 0xFFFF;
                break;
            case Vector:
                _uncoalesced[value & 0xFFFF] = (value & (1u << 16)) != 0;
                break;
            default:
                _values[id] = value;
                break;
        }

        return NvmeStatus.Success;
    }

    private static bool IsThreshold(uint word) => ((word >> 16) & 15) is 0 or 15 && ((word >> 20) & 3) <= 1;

    private static bool IsUnder(uint word) => ((word >> 20) & 3) == 1;

    private uint Default(byte id) => id switch
    {
        Threshold => TooHot,
        WriteCache => 1,
        Queues => (uint)(_ioQueues - 1) * 0x10001,
        Arbitration => 7, // no limit to a burst
        _ => 0,
    };
}
