namespace FastIova;

/// <summary>A device whose translations are recorded: one port, or one PASID of it.</summary>
/// <param name="name">The name of the port.</param>
/// <param name="number">The number of the device, which several may have.</param>
internal sealed class RecordedDevice(string name, uint number)
{
    /// <summary>The name of the port.</summary>
    internal string Name { get; } = name;

    /// <summary>The number of the device.</summary>
    internal uint Number { get; } = number;
}

/// <summary>Is told, in one order, what is mapped and what is translated. Only an IOMMU that is recorded has one; others pay a look at a null.</summary>
/// <remarks>Threads: any. A translation that races with the change of its mapping may come before or after it.</remarks>
internal interface IDmaRecorder
{
    /// <summary>A range was mapped in a space.</summary>
    void Map(ulong space, IovaSpan span, Permission permission);

    /// <summary>Whatever was mapped in a range is so no longer.</summary>
    void Unmap(ulong space, IovaSpan span);

    /// <summary>A device goes through a space from now on.</summary>
    void Attach(RecordedDevice device, ulong space);

    /// <summary>A device goes through nothing any more.</summary>
    void Detach(RecordedDevice device);

    /// <summary>A device had an address translated, or was refused.</summary>
    void Translate(RecordedDevice device, ulong iova, Permission access, bool isGood);
}
