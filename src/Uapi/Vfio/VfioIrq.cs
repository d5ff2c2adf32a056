namespace FastIova;

/// <summary>The kinds of interrupts of a PCI device.</summary>
/// <remarks>include/uapi/linux/vfio.h, Linux 7.3.</remarks>
internal enum VfioIrq : uint
{
    /// <summary><c>VFIO_PCI_INTX_IRQ_INDEX</c></summary>
    Intx = 0,

    /// <summary><c>VFIO_PCI_MSI_IRQ_INDEX</c></summary>
    Msi = 1,

    /// <summary><c>VFIO_PCI_MSIX_IRQ_INDEX</c></summary>
    Msix = 2,

    /// <summary><c>VFIO_PCI_ERR_IRQ_INDEX</c></summary>
    Error = 3,

    /// <summary><c>VFIO_PCI_REQ_IRQ_INDEX</c></summary>
    Request = 4,
}
