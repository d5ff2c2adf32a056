using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Sets or gets an option.</summary>
/// <remarks><c>struct iommu_option</c>, the argument of IOMMU_OPTION (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct OptionCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>option_id</c></summary>
    internal OptionId OptionId;

    /// <summary><c>op</c></summary>
    internal OptionOp Op;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal ushort Reserved;

    /// <summary><c>object_id</c>: whose option; zero for the context.</summary>
    internal uint ObjectId;

    /// <summary><c>val64</c>: the value.</summary>
    internal ulong Val64;
}
