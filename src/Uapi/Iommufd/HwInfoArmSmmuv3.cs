using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What an Arm SMMUv3 can do: its identification registers.</summary>
/// <remarks><c>struct iommu_hw_info_arm_smmuv3</c> (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwInfoArmSmmuv3
{
    /// <summary><c>flags</c>: none exist.</summary>
    internal uint Flags;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;

    /// <summary><c>idr[0]</c></summary>
    internal uint Idr0;

    /// <summary><c>idr[1]</c></summary>
    internal uint Idr1;

    /// <summary><c>idr[2]</c></summary>
    internal uint Idr2;

    /// <summary><c>idr[3]</c></summary>
    internal uint Idr3;

    /// <summary><c>idr[4]</c></summary>
    internal uint Idr4;

    /// <summary><c>idr[5]</c></summary>
    internal uint Idr5;

    /// <summary><c>iidr</c></summary>
    internal uint Iidr;

    /// <summary><c>aidr</c></summary>
    internal uint Aidr;
}
