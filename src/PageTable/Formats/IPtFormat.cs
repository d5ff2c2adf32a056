namespace FastIova;

/// <summary>The shape of a page table as constants, so that one algorithm is compiled for each format with its shifts folded in.</summary>
internal interface IPtFormat
{
    /// <summary>The log2 of the smallest page in bytes: bits below it are the offset in the page.</summary>
    static abstract int GranuleLg2 { get; }

    /// <summary>The log2 of the words in a leaf table. A leaf table reaches <c>2^(GranuleLg2 + LeafLg2)</c> bytes, which is also the size of a large page.</summary>
    static abstract int LeafLg2 { get; }

    /// <summary>The log2 of the large pages that make a huge page.</summary>
    static abstract int HugeLg2 { get; }
}

/// <summary>Pages of 4 KiB, 2 MiB and 1 GiB: x86-64 (Intel VT-d second stage, AMD v1), Armv8 and RISC-V with a 4 KiB granule.</summary>
internal readonly struct Granule4K : IPtFormat
{
    public static int GranuleLg2 => 12;

    public static int LeafLg2 => 9;

    public static int HugeLg2 => 9;
}

/// <summary>Pages of 2 KiB, 1 MiB and 512 MiB: half of the smallest host page, as the mock domain of the kernel's tests has them.</summary>
internal readonly struct Granule2K : IPtFormat
{
    public static int GranuleLg2 => 11;

    public static int LeafLg2 => 9;

    public static int HugeLg2 => 9;
}

/// <summary>Pages of 16 KiB and 32 MiB, and 64 GiB by 2,048 of them: Armv8 with a 16 KiB granule.</summary>
internal readonly struct Granule16K : IPtFormat
{
    public static int GranuleLg2 => 14;

    public static int LeafLg2 => 11;

    public static int HugeLg2 => 11;
}

/// <summary>Pages of 64 KiB and 512 MiB, and 4 TiB by 8,192 of them: Armv8 with a 64 KiB granule.</summary>
internal readonly struct Granule64K : IPtFormat
{
    public static int GranuleLg2 => 16;

    public static int LeafLg2 => 13;

    public static int HugeLg2 => 13;
}
