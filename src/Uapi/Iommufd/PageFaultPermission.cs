namespace FastIova;

/// <summary>What a faulting access wanted (<c>enum iommu_hwpt_pgfault_perm</c>).</summary>
[Flags]
internal enum PageFaultPermission : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary><c>IOMMU_PGFAULT_PERM_READ</c></summary>
    Read = 1 << 0,

    /// <summary><c>IOMMU_PGFAULT_PERM_WRITE</c></summary>
    Write = 1 << 1,

    /// <summary><c>IOMMU_PGFAULT_PERM_EXEC</c></summary>
    Exec = 1 << 2,

    /// <summary><c>IOMMU_PGFAULT_PERM_PRIV</c></summary>
    Priv = 1 << 3,
}
