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

    /// <summary><c>IOMMU_TEST_OP_DEV_CHECK_CACHE</c>: compares an entry of the cache of a mock device; since 7.3 here.</summary>
    CheckDevCache = 16,

    /// <summary><c>IOMMU_TEST_OP_TRIGGER_VEVENT</c>: lets a mock device tell its virtual IOMMU something; since 7.3 here.</summary>
    TriggerVevent = 17,

    /// <summary><c>IOMMU_TEST_OP_PASID_ATTACH</c>: attaches a PASID of a mock device; since 7.3 here.</summary>
    PasidAttach = 18,

    /// <summary><c>IOMMU_TEST_OP_PASID_REPLACE</c>: attaches a PASID of a mock device elsewhere; since 7.3 here.</summary>
    PasidReplace = 19,

    /// <summary><c>IOMMU_TEST_OP_PASID_DETACH</c>: detaches a PASID of a mock device; since 7.3 here.</summary>
    PasidDetach = 20,

    /// <summary><c>IOMMU_TEST_OP_PASID_CHECK_HWPT</c>: compares what a PASID of a mock device is attached to; since 7.3 here.</summary>
    PasidCheckHwpt = 21,

    /// <summary><c>IOMMU_TEST_OP_DMABUF_GET</c>: makes a mock dma-buf; since 7.3 here.</summary>
    DmabufGet = 22,

    /// <summary><c>IOMMU_TEST_OP_DMABUF_REVOKE</c>: takes the memory of a mock dma-buf away, or gives it back; since 7.3 here.</summary>
    DmabufRevoke = 23,
}
