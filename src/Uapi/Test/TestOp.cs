namespace FastIova;

/// <summary>What IOMMU_TEST_CMD shall do (<c>IOMMU_TEST_OP_*</c>).</summary>
internal enum TestOp : uint
{
    /// <summary><c>IOMMU_TEST_OP_ADD_RESERVED</c>: reserves iovas of an ioas.</summary>
    AddReserved = 1,

    /// <summary><c>IOMMU_TEST_OP_MOCK_DOMAIN</c>: makes a mock device and attaches it.</summary>
    MockDomain = 2,

    /// <summary><c>IOMMU_TEST_OP_MD_CHECK_MAP</c>: compares a mock domain with memory.</summary>
    CheckMap = 3,

    /// <summary><c>IOMMU_TEST_OP_MD_CHECK_REFS</c>: compares the pins of pages with a number.</summary>
    CheckRefs = 4,

    /// <summary><c>IOMMU_TEST_OP_CREATE_ACCESS</c>: makes an access with a file.</summary>
    CreateAccess = 5,

    /// <summary><c>IOMMU_TEST_OP_DESTROY_ACCESS_PAGES</c>: gives pins of an access back.</summary>
    DestroyAccessPages = 6,

    /// <summary><c>IOMMU_TEST_OP_ACCESS_PAGES</c>: pins pages through an access.</summary>
    AccessPages = 7,

    /// <summary><c>IOMMU_TEST_OP_ACCESS_RW</c>: reads or writes through an access.</summary>
    AccessRw = 8,

    /// <summary><c>IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT</c>: limits the scratch memory of a map.</summary>
    SetTempMemoryLimit = 9,

    /// <summary><c>IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE</c>: attaches a mock device elsewhere.</summary>
    MockDomainReplace = 10,

    /// <summary><c>IOMMU_TEST_OP_ACCESS_REPLACE_IOAS</c>: attaches an access elsewhere.</summary>
    AccessReplaceIoas = 11,

    /// <summary><c>IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS</c>: as <see cref="MockDomain"/>, with flags of the device.</summary>
    MockDomainFlags = 12,

    /// <summary><c>IOMMU_TEST_OP_DIRTY</c>: marks pages of a mock domain dirty.</summary>
    Dirty = 13,

    /// <summary><c>IOMMU_TEST_OP_MD_CHECK_IOTLB</c>: compares a cached entry of a nested mock domain.</summary>
    CheckIotlb = 14,

    /// <summary><c>IOMMU_TEST_OP_TRIGGER_IOPF</c>: lets a mock device fault.</summary>
    TriggerIopf = 15,
}
