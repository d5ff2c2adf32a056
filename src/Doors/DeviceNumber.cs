using System.Globalization;

namespace FastIova;

/// <summary>The number of a device node: major and minor.</summary>
/// <param name="Major">Which driver.</param>
/// <param name="Minor">Which of its devices.</param>
internal readonly record struct DeviceNumber(uint Major, uint Minor)
{
    /// <summary><c>/dev/iommu</c>.</summary>
    internal static DeviceNumber Iommu => new(10, 126);

    /// <summary><c>/dev/vfio/vfio</c>.</summary>
    internal static DeviceNumber VfioContainer => new(10, 196);

    /// <summary>As the C library packs it, below 2^32.</summary>
    internal ulong Packed => ((ulong)(Minor & 0xff) | ((ulong)Major << 8)) | ((ulong)(Minor & ~0xffu) << 12);

    /// <summary>A device of VFIO.</summary>
    internal static DeviceNumber VfioDevice(int place) => new(253, (uint)place);

    /// <summary>A group.</summary>
    internal static DeviceNumber VfioGroup(int place) => new(254, (uint)place);

    /// <summary>As sysfs writes it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}:{Minor}");
}
