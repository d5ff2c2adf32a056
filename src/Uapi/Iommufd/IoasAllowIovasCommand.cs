using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Says which iovas may be chosen and must stay free of reservations.</summary>
/// <remarks><c>struct iommu_ioas_allow_iovas</c>, the argument of IOMMU_IOAS_ALLOW_IOVAS (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct IoasAllowIovasCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>ioas_id</c></summary>
    internal uint IoasId;

    /// <summary><c>num_iovas</c>: the length of the list.</summary>
    internal uint NumIovas;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;

    /// <summary><c>allowed_iovas</c>: a pointer to <see cref="IovaRangeRecord"/>.</summary>
    internal ulong AllowedIovas;
}
