using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Which iovas a log of writes is about.</summary>
/// <remarks><c>struct vfio_device_feature_dma_logging_control</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDmaLoggingControl
{
    /// <summary><c>page_size</c></summary>
    internal ulong PageSize;

    /// <summary><c>num_ranges</c></summary>
    internal uint NumRanges;

    /// <summary><c>__reserved</c></summary>
    internal uint Reserved;

    /// <summary><c>ranges</c></summary>
    internal ulong Ranges;
}
