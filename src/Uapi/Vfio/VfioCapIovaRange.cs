using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The ranges that can be mapped: this, then as many <see cref="VfioIovaRange"/>.</summary>
/// <remarks><c>struct vfio_iommu_type1_info_cap_iova_range</c> (include/uapi/linux/vfio.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioCapIovaRange
{
    /// <summary><c>header</c></summary>
    internal VfioCapHeader Header;

    /// <summary><c>nr_iovas</c></summary>
    internal uint NrIovas;

    /// <summary><c>reserved</c></summary>
    internal uint Reserved;
}
