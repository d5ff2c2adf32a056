using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What an AMD IOMMU says of itself.</summary>
/// <remarks><c>struct iommu_hw_info_amd</c> (include/uapi/linux/iommufd.h, Linux 7.0).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwInfoAmd
{
    /// <summary><c>efr</c>: the extended feature register.</summary>
    internal ulong Efr;

    /// <summary><c>efr2</c>: the second one.</summary>
    internal ulong Efr2;
}
