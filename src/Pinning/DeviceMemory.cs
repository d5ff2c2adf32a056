using System.Collections.Concurrent;

namespace FastIova;

/// <summary>Which memory files are memory of devices: whoever has one mapped cannot have it pinned by that address, as no kernel pins it.</summary>
/// <remarks>
/// Other devices reach it as a dma-buf, which its owner can revoke. Invariant: a file is known for as long as its owner keeps it open, and
/// nobody else can have its number until then. Threads: any.
/// </remarks>
internal static class DeviceMemory
{
    private static readonly ConcurrentDictionary<(ulong Device, ulong Inode), byte> Files = new();

    /// <summary>Makes a file known.</summary>
    internal static void Add(SharedMemory memory) => Files[KeyOf(memory)] = 0;

    /// <summary>Forgets a file that is about to be closed.</summary>
    internal static void Remove(SharedMemory memory) => Files.TryRemove(KeyOf(memory), out _);

    /// <summary>Whether a mapping is one of such a file.</summary>
    internal static bool Contains(in MemoryRegion region) => !Files.IsEmpty && Files.ContainsKey((region.Device, region.Inode));

    private static (ulong Device, ulong Inode) KeyOf(SharedMemory memory) =>
        Descriptor.FactsOf(memory.FileDescriptor) is { } facts ? (facts.Device, facts.Inode) : default;
}
