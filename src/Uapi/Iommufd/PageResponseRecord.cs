using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One answer, as written to a fault queue.</summary>
/// <remarks><c>struct iommu_hwpt_page_response</c> (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct PageResponseRecord
{
    /// <summary><c>cookie</c>: of the fault.</summary>
    internal uint Cookie;

    /// <summary><c>code</c></summary>
    internal PageResponseCode Code;
}
