using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The first two words of a stream table entry.</summary>
/// <remarks><c>struct iommu_hwpt_arm_smmuv3</c> (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwptArmSmmuv3
{
    /// <summary><c>ste[0]</c></summary>
    internal ulong Ste0;

    /// <summary><c>ste[1]</c></summary>
    internal ulong Ste1;
}
