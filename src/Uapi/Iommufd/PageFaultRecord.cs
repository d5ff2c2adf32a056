using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One page fault, as read from a fault queue.</summary>
/// <remarks><c>struct iommu_hwpt_pgfault</c> (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct PageFaultRecord
{
    /// <summary><c>flags</c></summary>
    internal PageFaultFlags Flags;

    /// <summary><c>dev_id</c>: whose fault.</summary>
    internal uint DevId;

    /// <summary><c>pasid</c>: valid if the flags say so.</summary>
    internal uint Pasid;

    /// <summary><c>grpid</c>: the group of page requests.</summary>
    internal uint GrpId;

    /// <summary><c>perm</c></summary>
    internal PageFaultPermission Perm;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;

    /// <summary><c>addr</c>: the address.</summary>
    internal ulong Addr;

    /// <summary><c>length</c>: a hint, zero for none.</summary>
    internal uint Length;

    /// <summary><c>cookie</c>: names the group in the answer.</summary>
    internal uint Cookie;
}
