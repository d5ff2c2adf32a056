namespace FastIova.KernelTraces;

/// <summary>What a trace has mapped of the device, called by the operation that mapped it.</summary>
internal sealed class LogicalMappings
{
    private readonly Dictionary<uint, (ulong Address, ulong Length)> _mapped = [];

    /// <summary>What is mapped, in the order of the operations.</summary>
    internal IReadOnlyList<(ulong Address, ulong Length)> All => [.. _mapped.OrderBy(pair => pair.Key).Select(pair => pair.Value)];

    internal uint Adopt(uint logical, ulong address, ulong length)
    {
        _mapped[logical] = (address, length);
        return logical;
    }

    /// <summary>Finds a mapping and forgets it.</summary>
    internal bool TryTake(ulong logical, out (ulong Address, ulong Length) mapping) => _mapped.Remove((uint)logical, out mapping);
}
