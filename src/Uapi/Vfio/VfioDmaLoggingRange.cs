using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A range of iovas.</summary>
/// <remarks><c>struct vfio_device_feature_dma_logging_range</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDmaLoggingRange
{
    /// <summary><c>iova</c></summary>
    internal ulong Iova;

    /// <summary><c>length</c></summary>
    internal ulong Length;
}
