namespace FastIova;

/// <summary>The smallest page of a domain.</summary>
public enum Granule
{
    /// <summary>4 KiB: x86-64, RISC-V and most Arm systems. Large pages are 2 MiB, huge ones 1 GiB.</summary>
    Size4K = 12,

    /// <summary>2 KiB, as the mock domain of the Linux kernel's tests. Large pages are 1 MiB, huge ones 512 MiB.</summary>
    Size2K = 11,

    /// <summary>16 KiB, as Armv8 has it. Large pages are 32 MiB, huge ones 64 GiB.</summary>
    Size16K = 14,

    /// <summary>64 KiB, as Armv8 has it. Large pages are 512 MiB, huge ones 4 TiB.</summary>
    Size64K = 16,
}

/// <summary>What a domain is made of. Every value has a default that suits an emulated x86-64 machine.</summary>
public sealed record DomainOptions
{
    /// <summary>The addresses that can be mapped: 48 bits unless told otherwise, at most 57 (48 for <see cref="TableShape.Linear"/>).</summary>
    public IovaSpan Aperture { get; init; } = new(0, (1UL << 48) - 1);

    /// <summary>The smallest page.</summary>
    public Granule Granule { get; init; } = Granule.Size4K;

    /// <summary>How translations are kept.</summary>
    public TableShape Shape { get; init; } = TableShape.TwoLevel;

    /// <summary>The log2 of the largest page to use, 63 for whatever fits: 12 keeps a domain with a 4 KiB granule free of large pages.</summary>
    public int LargestPageLg2 { get; init; } = 63;

    /// <summary>
    /// Whether the kernel is advised to put leaf tables in huge pages of the host: large tables are walked 1.4 to 2 times
    /// faster, for up to 2 MiB more memory in a domain with few mappings.
    /// </summary>
    public bool HugePageTables { get; init; } = true;

    /// <summary>
    /// Whether the domain of an ioas answers with the addresses that its user gave, in the user's own process. Nothing in this process
    /// may use such an answer as an address; memory that was not mapped by an address is left out.
    /// </summary>
    internal bool AnswersUserAddresses { get; init; }

    /// <summary>Whether frames that nothing may access are refused, as the tables of newer releases of Linux do; else they are mapped so.</summary>
    internal bool NeedsPermission { get; init; }
}
