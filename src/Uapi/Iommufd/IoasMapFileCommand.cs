using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Maps a part of a file.</summary>
/// <remarks><c>struct iommu_ioas_map_file</c>, the argument of IOMMU_IOAS_MAP_FILE (include/uapi/linux/iommufd.h, Linux 6.13).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct IoasMapFileCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c>: permission, and whether the iova is given.</summary>
    internal IoasMapFlags Flags;

    /// <summary><c>ioas_id</c>: where to map.</summary>
    internal uint IoasId;

    /// <summary><c>fd</c>: the file.</summary>
    internal int Fd;

    /// <summary><c>start</c>: the first byte of the file.</summary>
    internal ulong Start;

    /// <summary><c>length</c>: bytes.</summary>
    internal ulong Length;

    /// <summary><c>iova</c>: in, the iova when it is given; out, the iova.</summary>
    internal ulong Iova;
}
