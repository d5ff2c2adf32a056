using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Where to say which pages were written.</summary>
/// <remarks><c>struct vfio_device_feature_dma_logging_report</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDmaLoggingReport
{
    /// <summary><c>iova</c></summary>
    internal ulong Iova;

    /// <summary><c>length</c></summary>
    internal ulong Length;

    /// <summary><c>page_size</c></summary>
    internal ulong PageSize;

    /// <summary><c>bitmap</c></summary>
    internal ulong Bitmap;
}
