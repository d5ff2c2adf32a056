namespace FastIova;

/// <summary>The regions of a PCI device.</summary>
/// <remarks>include/uapi/linux/vfio.h, Linux 7.3.</remarks>
internal enum VfioRegion : uint
{
    /// <summary><c>VFIO_PCI_BAR0_REGION_INDEX</c></summary>
    Bar0 = 0,

    /// <summary><c>VFIO_PCI_BAR5_REGION_INDEX</c></summary>
    Bar5 = 5,

    /// <summary><c>VFIO_PCI_ROM_REGION_INDEX</c></summary>
    Rom = 6,

    /// <summary><c>VFIO_PCI_CONFIG_REGION_INDEX</c></summary>
    Config = 7,

    /// <summary><c>VFIO_PCI_VGA_REGION_INDEX</c></summary>
    Vga = 8,
}
