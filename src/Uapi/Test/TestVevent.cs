using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>An event of a mock virtual IOMMU.</summary>
/// <remarks><c>struct iommu_viommu_event_selftest</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestVevent
{
    /// <summary><c>virt_id</c>: the device, as the guest calls it.</summary>
    internal uint VirtId;
}
