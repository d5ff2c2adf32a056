namespace FastIova;

/// <summary>What a base address register stands for.</summary>
public enum PciBarKind
{
    /// <summary>I/O ports.</summary>
    Io = 0,

    /// <summary>Memory with an address of 32 bits.</summary>
    Memory32 = 1,

    /// <summary>Memory with an address of 64 bits: takes the next index, too.</summary>
    Memory64 = 2,
}

/// <summary>One base address register of a PCI function.</summary>
public sealed record PciBar
{
    /// <summary>The registers of a function.</summary>
    public const int Count = 6;

    /// <summary>Its number, from 0 to 5.</summary>
    public required int Index { get; init; }

    /// <summary>Its length, a power of two: memory from 16 bytes on, I/O ports from 4 to 256.</summary>
    public required ulong Bytes { get; init; }

    /// <summary>What it stands for.</summary>
    public PciBarKind Kind { get; init; }

    /// <summary>Whether reading has no side effects, so that a bridge may read ahead.</summary>
    public bool IsPrefetchable { get; init; }

    /// <summary>Whether a driver may map it: it is a memory file then, shared between the model and the driver, from 4 KiB on.</summary>
    public bool IsMappable { get; init; }

    internal bool IsMemory => Kind != PciBarKind.Io;
}
