namespace FastIova;

/// <summary>What a process may do with a piece of its memory, and whether others can see it.</summary>
[Flags]
internal enum RegionFlags
{
    None = 0,

    Readable = 1,

    Writable = 2,

    Executable = 4,

    /// <summary>A change is seen by whoever maps the same object (MAP_SHARED).</summary>
    Shared = 8,
}

/// <summary>One mapping in a process, as the kernel keeps it.</summary>
/// <param name="First">The first address.</param>
/// <param name="Last">The last address, inclusive.</param>
/// <param name="Flags">What it allows.</param>
/// <param name="PageBytes">The size of its pages: more than 4 KiB where huge pages back it by reservation (hugetlb).</param>
/// <param name="Device">The device number of the file system of the object behind it, major in the upper half; zero without an object.</param>
/// <param name="Inode">The object's number on that device; zero without an object.</param>
/// <param name="Offset">The offset in the object of the first address.</param>
internal readonly record struct MemoryRegion(ulong First, ulong Last, RegionFlags Flags, ulong PageBytes, ulong Device, ulong Inode, ulong Offset)
{
    internal bool IsReadable => (Flags & RegionFlags.Readable) != RegionFlags.None;

    internal bool IsWritable => (Flags & RegionFlags.Writable) != RegionFlags.None;

    internal bool IsShared => (Flags & RegionFlags.Shared) != RegionFlags.None;

    /// <summary>Whether several 4 KiB pages of it make one page of the kernel.</summary>
    internal bool IsCompound => PageBytes > 4096;

    internal bool Contains(ulong address) => address >= First && address <= Last;

    /// <summary>The offset in the object of an address inside.</summary>
    internal ulong OffsetOf(ulong address) => Offset + (address - First);
}
