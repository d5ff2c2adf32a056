using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Takes the memory of a mock dma-buf away, or gives it back.</summary>
/// <remarks><c>struct iommu_test_cmd::dmabuf_revoke</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestDmabufRevoke
{
    /// <summary><c>dmabuf_fd</c>: the dma-buf.</summary>
    internal int DmabufFd;

    /// <summary><c>revoked</c>: whether its memory is gone.</summary>
    internal uint Revoked;
}
