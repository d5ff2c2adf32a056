using System.Runtime.InteropServices;

namespace FastIova.RingClient;

/// <summary>An emulator in a process of its own: its memory, mapped in an ioas of <c>/dev/iommu</c>.</summary>
/// <remarks>Owns: the memory; the file ends with the process. Threads: one.</remarks>
internal sealed unsafe class Guest : IDisposable
{
    internal const ulong Iova = 0x10_0000;
    internal const ulong Bytes = 1 << 20;

    private const int ReadWrite = 2;
    private const nuint MapRequest = 0x3b85;
    private const uint FixedReadWrite = 7;

    internal Guest()
    {
        File = NativeCalls.Open("/dev/iommu", ReadWrite);
        Memory = (nuint)NativeMemory.AlignedAlloc((nuint)Bytes, 4096);
        NativeMemory.Fill((void*)Memory, (nuint)Bytes, 1);
        var allocate = new IoasAlloc { Size = (uint)sizeof(IoasAlloc) };
        Call(0x3b81, &allocate);
        Ioas = allocate.Id;
    }

    /// <summary>The open <c>/dev/iommu</c>.</summary>
    internal int File { get; }

    internal uint Ioas { get; }

    internal nuint Memory { get; }

    internal void Map()
    {
        var map = new IoasMap { Size = (uint)sizeof(IoasMap), Flags = FixedReadWrite, Ioas = Ioas, UserAddress = Memory, Length = Bytes, Iova = Iova };
        Call(MapRequest, &map);
    }

    /// <summary>Asks for a mapping in a struct that says it has no bytes.</summary>
    internal Errno MapWithoutASize()
    {
        var map = default(IoasMap);
        return NativeCalls.Ioctl(File, MapRequest, &map) == 0 ? Errno.Success : (Errno)Marshal.GetLastPInvokeError();
    }

    internal void Unmap()
    {
        var unmap = new IoasUnmap { Size = (uint)sizeof(IoasUnmap), Ioas = Ioas, Iova = Iova, Length = Bytes };
        Call(0x3b86, &unmap);
    }

    public void Dispose() => NativeMemory.AlignedFree((void*)Memory);

    private void Call(nuint request, void* argument)
    {
        if (NativeCalls.Ioctl(File, request, argument) != 0)
        {
            throw new IOException($"ioctl 0x{request:x} failed with errno {Marshal.GetLastPInvokeError()}.");
        }
    }

    // As linux/iommufd.h lays them out.
    [StructLayout(LayoutKind.Sequential)]
    private struct IoasAlloc
    {
        internal uint Size;
        internal uint Flags;
        internal uint Id;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct IoasMap
    {
        internal uint Size;
        internal uint Flags;
        internal uint Ioas;
        internal uint Reserved;
        internal ulong UserAddress;
        internal ulong Length;
        internal ulong Iova;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct IoasUnmap
    {
        internal uint Size;
        internal uint Ioas;
        internal ulong Iova;
        internal ulong Length;
    }
}
