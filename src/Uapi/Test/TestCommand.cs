using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>An order to the test backend: an operation, and one of the parts, which lie over each other.</summary>
/// <remarks><c>struct iommu_test_cmd</c>, the argument of IOMMU_TEST_CMD (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12 and 7.3).</remarks>
[StructLayout(LayoutKind.Explicit, Size = 72)]
internal struct TestCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    [FieldOffset(0)]
    internal uint Size;

    /// <summary><c>op</c></summary>
    [FieldOffset(4)]
    internal TestOp Op;

    /// <summary><c>id</c>: what the operation says: an object, or a file descriptor.</summary>
    [FieldOffset(8)]
    internal uint Id;

    /// <summary><c>__reserved</c>: not looked at.</summary>
    [FieldOffset(12)]
    internal uint Reserved;

    /// <summary>Of <c>add_reserved</c>.</summary>
    [FieldOffset(16)]
    internal TestAddReserved AddReserved;

    /// <summary>Of <c>mock_domain, mock_domain_flags</c>.</summary>
    [FieldOffset(16)]
    internal TestMockDomain MockDomain;

    /// <summary>Of <c>mock_domain_replace</c>.</summary>
    [FieldOffset(16)]
    internal TestMockDomainReplace MockDomainReplace;

    /// <summary>Of <c>check_map</c>.</summary>
    [FieldOffset(16)]
    internal TestCheckMap CheckMap;

    /// <summary>Of <c>check_refs</c>.</summary>
    [FieldOffset(16)]
    internal TestCheckRefs CheckRefs;

    /// <summary>Of <c>create_access</c>.</summary>
    [FieldOffset(16)]
    internal TestCreateAccess CreateAccess;

    /// <summary>Of <c>destroy_access_pages</c>.</summary>
    [FieldOffset(16)]
    internal TestDestroyAccessPages DestroyAccessPages;

    /// <summary>Of <c>access_pages</c>.</summary>
    [FieldOffset(16)]
    internal TestAccessPages AccessPages;

    /// <summary>Of <c>access_rw</c>.</summary>
    [FieldOffset(16)]
    internal TestAccessRw AccessRw;

    /// <summary>Of <c>memory_limit</c>.</summary>
    [FieldOffset(16)]
    internal TestMemoryLimit MemoryLimit;

    /// <summary>Of <c>access_replace_ioas</c>.</summary>
    [FieldOffset(16)]
    internal TestAccessReplaceIoas AccessReplaceIoas;

    /// <summary>Of <c>dirty</c>.</summary>
    [FieldOffset(16)]
    internal TestDirty Dirty;

    /// <summary>Of <c>check_iotlb</c>.</summary>
    [FieldOffset(16)]
    internal TestCheckIotlb CheckIotlb;

    /// <summary>Of <c>trigger_iopf</c>.</summary>
    [FieldOffset(16)]
    internal TestTriggerIopf TriggerIopf;

    /// <summary>Of <c>check_dev_cache</c>.</summary>
    [FieldOffset(16)]
    internal TestCheckDevCache CheckDevCache;

    /// <summary>Of <c>trigger_vevent</c>.</summary>
    [FieldOffset(16)]
    internal TestTriggerVevent TriggerVevent;

    /// <summary>Of <c>pasid_attach, pasid_replace</c>.</summary>
    [FieldOffset(16)]
    internal TestPasidAttach PasidAttach;

    /// <summary>Of <c>pasid_detach</c>.</summary>
    [FieldOffset(16)]
    internal TestPasidDetach PasidDetach;

    /// <summary>Of <c>pasid_check</c>.</summary>
    [FieldOffset(16)]
    internal TestPasidCheck PasidCheck;

    /// <summary>Of <c>dmabuf_get</c>.</summary>
    [FieldOffset(16)]
    internal TestDmabufGet DmabufGet;

    /// <summary>Of <c>dmabuf_revoke</c>.</summary>
    [FieldOffset(16)]
    internal TestDmabufRevoke DmabufRevoke;

    /// <summary><c>last</c>: ends the smallest size that is accepted.</summary>
    [FieldOffset(64)]
    internal uint Last;
}
