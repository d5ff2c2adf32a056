using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Asks which iovas can be mapped.</summary>
/// <remarks><c>struct iommu_ioas_iova_ranges</c>, the argument of IOMMU_IOAS_IOVA_RANGES (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct IoasIovaRangesCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>ioas_id</c></summary>
    internal uint IoasId;

    /// <summary><c>num_iovas</c>: in, the room; out, how many ranges there are.</summary>
    internal uint NumIovas;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;

    /// <summary><c>allowed_iovas</c>: a pointer to <see cref="IovaRangeRecord"/>.</summary>
    internal ulong AllowedIovas;

    /// <summary><c>out_iova_alignment</c>: what maps must be aligned to, in bytes.</summary>
    internal ulong OutIovaAlignment;
}
