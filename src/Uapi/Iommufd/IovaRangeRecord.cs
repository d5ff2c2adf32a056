using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One range in the lists of ALLOW_IOVAS and IOVA_RANGES.</summary>
/// <remarks><c>struct iommu_iova_range</c> (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct IovaRangeRecord
{
    /// <summary><c>start</c>: the first address.</summary>
    internal ulong Start;

    /// <summary><c>last</c>: the last address, inclusive.</summary>
    internal ulong Last;
}
