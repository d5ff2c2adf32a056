using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Makes a device known to a virtual IOMMU.</summary>
/// <remarks><c>struct iommu_vdevice_alloc</c>, the argument of IOMMU_VDEVICE_ALLOC (include/uapi/linux/iommufd.h, Linux 6.13).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VdeviceAllocCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>viommu_id</c>: the virtual IOMMU.</summary>
    internal uint ViommuId;

    /// <summary><c>dev_id</c>: the device.</summary>
    internal uint DevId;

    /// <summary><c>out_vdevice_id</c>: the new virtual device.</summary>
    internal uint OutVdeviceId;

    /// <summary><c>virt_id</c>: how the guest calls the device.</summary>
    internal ulong VirtId;
}
