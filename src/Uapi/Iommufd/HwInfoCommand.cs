using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Asks what the IOMMU of a device can do.</summary>
/// <remarks><c>struct iommu_hw_info</c>, the argument of IOMMU_GET_HW_INFO (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwInfoCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c></summary>
    internal HwInfoFlags Flags;

    /// <summary><c>dev_id</c></summary>
    internal uint DevId;

    /// <summary><c>data_len</c>: in, the room; out, the length of the information.</summary>
    internal uint DataLen;

    /// <summary><c>data_uptr</c>: where the information goes.</summary>
    internal ulong DataUptr;

    /// <summary><c>in_data_type</c> (since 6.17) and <c>out_data_type</c>: see <see cref="HwInfoType"/>.</summary>
    internal uint DataType;

    /// <summary><c>out_max_pasid_log2</c>: the width of PASIDs in bits, zero without.</summary>
    internal byte OutMaxPasidLog2;

    /// <summary><c>__reserved[0]</c>: zero.</summary>
    internal byte Reserved0;

    /// <summary><c>__reserved[1]</c>: zero.</summary>
    internal byte Reserved1;

    /// <summary><c>__reserved[2]</c>: zero.</summary>
    internal byte Reserved2;

    /// <summary><c>out_capabilities</c></summary>
    internal HwCapabilities OutCapabilities;
}
