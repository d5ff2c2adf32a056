using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Turns the marking of written pages on or off.</summary>
/// <remarks><c>struct iommu_hwpt_set_dirty_tracking</c>, the argument of IOMMU_HWPT_SET_DIRTY_TRACKING (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwptSetDirtyTrackingCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c>: 1 turns it on.</summary>
    internal uint Flags;

    /// <summary><c>hwpt_id</c></summary>
    internal uint HwptId;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;
}
