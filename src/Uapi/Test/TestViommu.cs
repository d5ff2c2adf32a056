using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The data of a mock virtual IOMMU.</summary>
/// <remarks><c>struct iommu_viommu_selftest</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestViommu
{
    /// <summary><c>in_data</c>: any number.</summary>
    internal uint InData;

    /// <summary><c>out_data</c>: the same number.</summary>
    internal uint OutData;

    /// <summary><c>out_mmap_offset</c>: what to map of it.</summary>
    internal ulong OutMmapOffset;

    /// <summary><c>out_mmap_length</c>: how many bytes.</summary>
    internal ulong OutMmapLength;
}
