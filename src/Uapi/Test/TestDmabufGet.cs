using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Makes a mock dma-buf.</summary>
/// <remarks><c>struct iommu_test_cmd::dmabuf_get</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestDmabufGet
{
    /// <summary><c>length</c>: bytes.</summary>
    internal uint Length;

    /// <summary><c>open_flags</c>: of its descriptor.</summary>
    internal uint OpenFlags;
}
