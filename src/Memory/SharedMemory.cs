using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A memory file (memfd) mapped into this process, which another process can map too.</summary>
/// <remarks>
/// Owns: one file descriptor and one shared mapping of the whole file.
/// Threads: as <see cref="VirtualMemory"/>.
/// </remarks>
internal sealed unsafe class SharedMemory : IDisposable
{
    private int _disposed;

    private SharedMemory(int fd, byte* start, ulong length)
    {
        FileDescriptor = fd;
        Start = start;
        Length = length;
    }

    /// <summary>The memory file; owned by this object, duplicate it to keep it longer.</summary>
    internal int FileDescriptor { get; }

    /// <summary>The first byte, page-aligned.</summary>
    internal byte* Start { get; }

    /// <summary>The address of the first byte.</summary>
    internal ulong Address => (ulong)(nuint)Start;

    /// <summary>The bytes of the file.</summary>
    internal ulong Length { get; }

    /// <summary>The bytes, which a peer may write at any moment; not to be kept beyond <see cref="Dispose"/>.</summary>
    // SAFETY: the mapping is Length bytes long and lives until Dispose.
    internal Span<byte> Bytes => new(Start, checked((int)Length));

    /// <summary>Makes a new memory file of zeros.</summary>
    /// <param name="name">The name that <c>/proc/PID/maps</c> shows.</param>
    /// <param name="length">Bytes, a multiple of 4 KiB.</param>
    /// <returns>The memory.</returns>
    /// <exception cref="IOException">Linux refused one of the steps.</exception>
    internal static SharedMemory Create(string name, ulong length) => Create(name, length, isFixed: false);

    /// <summary>Makes a new memory file of zeros whose length nobody can change: a peer cannot make it vanish under its maker.</summary>
    /// <param name="name">The name that <c>/proc/PID/maps</c> shows.</param>
    /// <param name="length">Bytes, a multiple of 4 KiB.</param>
    /// <returns>The memory.</returns>
    /// <exception cref="IOException">Linux refused one of the steps.</exception>
    internal static SharedMemory CreateFixed(string name, ulong length) => Create(name, length, isFixed: true);

    private static SharedMemory Create(string name, ulong length, bool isFixed)
    {
        int fd = Libc.MemoryFileCreate(name, Libc.MemfdCloseOnExec | (isFixed ? Libc.MemfdAllowSealing : 0));
        if (fd < 0)
        {
            throw new IOException($"memfd_create of '{name}' failed with errno {Marshal.GetLastPInvokeError()}: check the limit on open files.");
        }

        if (Libc.FileTruncate(fd, (long)length) != 0
            || (isFixed && Libc.FileControl(fd, Libc.FcntlAddSeals, Libc.SealShrink | Libc.SealGrow | Libc.SealSeal) != 0))
        {
            int errno = Marshal.GetLastPInvokeError();
            _ = Libc.Close(fd);
            throw new IOException($"Making the memory file '{name}' 0x{length:x} bytes long failed with errno {errno}.");
        }

        return Map(fd, length);
    }

    /// <summary>Maps a memory file that somebody else made. The descriptor is duplicated; the caller keeps its own.</summary>
    /// <param name="fileDescriptor">An open memory file.</param>
    /// <returns>The memory.</returns>
    /// <exception cref="IOException">The descriptor is no file that can be mapped, or it is empty.</exception>
    internal static SharedMemory Open(int fileDescriptor)
    {
        int fd = Libc.Duplicate(fileDescriptor);
        if (fd < 0)
        {
            throw new IOException($"File descriptor {fileDescriptor} is not open (errno {Marshal.GetLastPInvokeError()}).");
        }

        const int SeekEnd = 2;
        long length = Libc.FileSeek(fd, 0, SeekEnd);
        if (length <= 0)
        {
            _ = Libc.Close(fd);
            throw new IOException($"File descriptor {fileDescriptor} has no length: it must be a memory file that its maker has sized.");
        }

        return Map(fd, (ulong)length);
    }

    /// <summary>Unmaps the memory and closes the file. The second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _ = Libc.MemoryUnmap((nint)Start, (nuint)Length);
            _ = Libc.Close(FileDescriptor);
        }
    }

    private static SharedMemory Map(int fd, ulong length)
    {
        nint mapping = Libc.MemoryMap(0, (nuint)length, Libc.ProtRead | Libc.ProtWrite, Libc.MapShared, fd, 0);
        if (mapping == Libc.MapFailed)
        {
            int errno = Marshal.GetLastPInvokeError();
            _ = Libc.Close(fd);
            throw new IOException($"Mapping 0x{length:x} bytes of memory file {fd} failed with errno {errno}.");
        }

        // SAFETY: the mapping is exactly length bytes long and lives until Dispose.
        return new SharedMemory(fd, (byte*)mapping, length);
    }
}
