using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Lets a device fault.</summary>
/// <remarks><c>struct iommu_test_cmd.trigger_iopf</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestTriggerIopf
{
    /// <summary><c>dev_id</c></summary>
    internal uint DevId;

    /// <summary><c>pasid</c></summary>
    internal uint Pasid;

    /// <summary><c>grpid</c></summary>
    internal uint GrpId;

    /// <summary><c>perm</c></summary>
    internal uint Perm;

    /// <summary><c>addr</c></summary>
    internal ulong Addr;
}
