namespace FastIova;

/// <summary>Where a function keeps its MSI-X vectors. The function itself serves the two places; its model never sees them.</summary>
public sealed record PciMsix
{
    /// <summary>The bytes of one vector in the table.</summary>
    public const int EntryBytes = 16;

    /// <summary>The most vectors that a table can hold.</summary>
    public const int VectorsMost = 2048;

    /// <summary>The vectors, from 1 to 2048.</summary>
    public required int Vectors { get; init; }

    /// <summary>The BAR of the table.</summary>
    public required int TableBar { get; init; }

    /// <summary>Where the table begins in its BAR, a multiple of eight.</summary>
    public ulong TableOffset { get; init; }

    /// <summary>The BAR of the pending bits.</summary>
    public required int PbaBar { get; init; }

    /// <summary>Where the pending bits begin in their BAR, a multiple of eight.</summary>
    public required ulong PbaOffset { get; init; }

    /// <summary>The bytes of the table.</summary>
    internal ulong TableBytes => (ulong)Vectors * EntryBytes;

    /// <summary>The bytes of the pending bits: words of 64.</summary>
    internal ulong PbaBytes => (ulong)((Vectors + 63) / 64) * sizeof(ulong);
}
