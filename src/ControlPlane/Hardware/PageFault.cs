namespace FastIova;

/// <summary>One page request of a device.</summary>
/// <param name="Flags">Whether it has a PASID, and whether it is the last of its group.</param>
/// <param name="Pasid">The process address space, when the flags say so.</param>
/// <param name="GroupId">The number that the device gave the group of requests.</param>
/// <param name="Permission">What the access wanted.</param>
/// <param name="Address">Where.</param>
internal readonly record struct PageFault(PageFaultFlags Flags, uint Pasid, uint GroupId, PageFaultPermission Permission, ulong Address);
