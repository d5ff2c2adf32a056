namespace FastIova;

/// <summary>One mapping of a list: a part of registered memory, and where devices shall see it.</summary>
/// <param name="Iova">The first I/O virtual address, a multiple of the granule.</param>
/// <param name="Offset">Where the part begins in the memory, so that the host address is a multiple of the granule.</param>
/// <param name="Length">Bytes, a multiple of the granule.</param>
/// <param name="Permission">What devices may do.</param>
public readonly record struct MapRange(ulong Iova, ulong Offset, ulong Length, Permission Permission);
