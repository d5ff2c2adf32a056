using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What an NVIDIA Tegra241 CMDQV says of itself.</summary>
/// <remarks><c>struct iommu_hw_info_tegra241_cmdqv</c> (include/uapi/linux/iommufd.h, Linux 6.17).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwInfoTegra241Cmdqv
{
    /// <summary><c>flags</c>: zero.</summary>
    internal uint Flags;

    /// <summary><c>version</c>: of the hardware.</summary>
    internal byte Version;

    /// <summary><c>log2vcmdqs</c>: queues of one interface.</summary>
    internal byte Log2Vcmdqs;

    /// <summary><c>log2vsids</c>: stream ids of one interface.</summary>
    internal byte Log2Vsids;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal byte Reserved;
}
