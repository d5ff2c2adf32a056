using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Destroys an object.</summary>
/// <remarks><c>struct iommu_destroy</c>, the argument of IOMMU_DESTROY (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct DestroyCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>id</c>: any object.</summary>
    internal uint Id;
}
