using System.Runtime.InteropServices;

namespace FastIova;

/// <content>Memory of devices that clients have mapped. It is no memory of the machine, so that only VFIO's own container pins it by its address: elsewhere a dma-buf lets devices reach each other.</content>
internal sealed partial class BackingObjects
{
    private readonly Dictionary<(ulong Device, ulong Inode), int> _ofDevices = [];

    /// <summary>A client is about to map memory of a device.</summary>
    internal void AddDeviceMemory(SharedMemory memory)
    {
        if (KeyOf(memory) is { } key)
        {
            lock (_lock)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_ofDevices, key, out _)++;
            }
        }
    }

    /// <summary>Nothing has mapped it any more: undoes one <see cref="AddDeviceMemory"/>.</summary>
    internal void RemoveDeviceMemory(SharedMemory memory)
    {
        if (KeyOf(memory) is { } key)
        {
            lock (_lock)
            {
                if (--CollectionsMarshal.GetValueRefOrAddDefault(_ofDevices, key, out _) == 0)
                {
                    _ofDevices.Remove(key);
                }
            }
        }
    }

    private static (ulong Device, ulong Inode)? KeyOf(SharedMemory memory) =>
        Descriptor.FactsOf(memory.FileDescriptor) is { } facts ? (facts.Device, facts.Inode) : null;
}
