using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What precedes each event of a virtual IOMMU.</summary>
/// <remarks><c>struct iommufd_vevent_header</c> (include/uapi/linux/iommufd.h, Linux 6.15).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VeventHeader
{
    /// <summary><c>flags</c>: 1 when events were lost here.</summary>
    internal uint Flags;

    /// <summary><c>sequence</c>: the number of the event, lost ones counted.</summary>
    internal uint Sequence;
}
