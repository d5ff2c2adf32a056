using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Makes an access.</summary>
/// <remarks><c>struct iommu_test_cmd.create_access</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestCreateAccess
{
    /// <summary><c>out_access_fd</c></summary>
    internal uint OutAccessFd;

    /// <summary><c>flags</c>: 1 lets it pin pages.</summary>
    internal uint Flags;
}
