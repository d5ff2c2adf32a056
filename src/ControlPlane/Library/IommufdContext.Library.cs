using System.Runtime.InteropServices;

namespace FastIova;

/// <content>The calls for programs in this process.</content>
public sealed partial class IommufdContext
{
    /// <summary>Runs an ioctl on a struct in this process, as <c>ioctl(fd, request, &amp;struct)</c> would.</summary>
    /// <param name="request">The request.</param>
    /// <param name="buffer">The struct, which the call may write to; pointers in it are addresses of this process. What lies behind its end counts as memory that is not there.</param>
    /// <returns>Zero or more, or a negative <see cref="Errno"/>.</returns>
    /// <remarks>Threads: any. File descriptors in answers are numbers that only this engine's calls know what to do with: see <see cref="Close(int)"/>.</remarks>
    public long Ioctl(uint request, Span<byte> buffer) => Run(Engine.Local, request, new CallArgument(buffer));

    /// <summary>Runs an ioctl whose argument is a number, or an address of this process.</summary>
    /// <param name="request">The request.</param>
    /// <param name="argument">The argument.</param>
    /// <returns>Zero or more, or a negative <see cref="Errno"/>.</returns>
    public long Ioctl(uint request, ulong argument) => Ioctl(Engine.Local, request, argument);

    /// <summary>Closes a file whose number an ioctl of this process answered.</summary>
    /// <param name="fd">The number.</param>
    /// <returns>False when no file has it.</returns>
    public bool Close(int fd)
    {
        OpenFile? file = Engine.Local.Files.Remove(fd);
        file?.Close();
        return file is not null;
    }

    /// <summary>Makes an empty ioas.</summary>
    /// <returns>Its id.</returns>
    public IoasId AllocateIoas()
    {
        IoasAllocCommand command = default;
        Call(IommufdRequest.IoasAlloc, ref command);
        return new IoasId(command.OutIoasId);
    }

    /// <summary>Destroys an ioas and everything that is mapped in it.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <exception cref="IommufdException">EBUSY when an hwpt, a device or an access is on it, ENOENT when it does not exist.</exception>
    public void Destroy(IoasId ioas) => Destroy(ioas.Number);

    /// <summary>Destroys an hwpt.</summary>
    /// <param name="hwpt">The hwpt.</param>
    /// <exception cref="IommufdException">EBUSY when a device is attached to it or another hwpt was made on it, ENOENT when it does not exist.</exception>
    public void Destroy(HwptId hwpt) => Destroy(hwpt.Number);

    /// <summary>Maps memory of this process where there is room.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <param name="address">The first byte; the memory stays allocated until it is unmapped.</param>
    /// <param name="length">Bytes, a multiple of the alignment of the ioas.</param>
    /// <param name="permission">What devices may do.</param>
    /// <returns>The iova of the first byte.</returns>
    /// <exception cref="IommufdException">The error of IOAS_MAP.</exception>
    public ulong Map(IoasId ioas, nuint address, ulong length, Permission permission) => Map(ioas, address, length, permission, 0, IoasMapFlags.None);

    /// <summary>Maps memory of this process at an iova.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <param name="iova">The first iova, a multiple of the alignment of the ioas.</param>
    /// <param name="address">The first byte; the memory stays allocated until it is unmapped.</param>
    /// <param name="length">Bytes, a multiple of the alignment of the ioas.</param>
    /// <param name="permission">What devices may do.</param>
    /// <exception cref="IommufdException">The error of IOAS_MAP.</exception>
    public void MapAt(IoasId ioas, ulong iova, nuint address, ulong length, Permission permission) =>
        Map(ioas, address, length, permission, iova, IoasMapFlags.FixedIova);

    /// <summary>Maps a part of a file that lies in memory where there is room: a memory file, one of tmpfs, or one of hugetlbfs.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <param name="fileDescriptor">The file, which stays the caller's: the ioas keeps it open for itself.</param>
    /// <param name="start">The first byte of the part.</param>
    /// <param name="length">Bytes, a multiple of the alignment of the ioas; the pages that they lie in end before the file does.</param>
    /// <param name="permission">What devices may do.</param>
    /// <returns>The iova of the first byte.</returns>
    /// <remarks>The memory need not be mapped in any process. Translations lead to a mapping of the engine's own. A file that is sealed against writing can be mapped for it all the same; what a device writes then stays with the engine.</remarks>
    /// <exception cref="IommufdException">The error of IOAS_MAP_FILE: EBADF, and EINVAL also when a device is attached and the file is not memory, or too short.</exception>
    public ulong MapFile(IoasId ioas, int fileDescriptor, ulong start, ulong length, Permission permission) =>
        MapFile(ioas, fileDescriptor, start, length, permission, 0, IoasMapFlags.None);

    /// <summary>Maps a part of a file that lies in memory at an iova.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <param name="iova">The first iova, a multiple of the alignment of the ioas.</param>
    /// <param name="fileDescriptor">The file, which stays the caller's.</param>
    /// <param name="start">The first byte of the part.</param>
    /// <param name="length">Bytes, a multiple of the alignment of the ioas.</param>
    /// <param name="permission">What devices may do.</param>
    /// <exception cref="IommufdException">The error of IOAS_MAP_FILE.</exception>
    public void MapFileAt(IoasId ioas, ulong iova, int fileDescriptor, ulong start, ulong length, Permission permission) =>
        MapFile(ioas, fileDescriptor, start, length, permission, iova, IoasMapFlags.FixedIova);

    /// <summary>Maps what is mapped elsewhere where there is room, by the same pages: nothing is pinned or charged twice.</summary>
    /// <param name="source">Where it is mapped; may be the same ioas.</param>
    /// <param name="sourceIova">The first iova there.</param>
    /// <param name="length">Bytes, all of them mapped.</param>
    /// <param name="destination">Where it shall be mapped.</param>
    /// <param name="permission">What devices may do through the copy.</param>
    /// <returns>The iova in the destination.</returns>
    /// <exception cref="IommufdException">The error of IOAS_COPY.</exception>
    public ulong Copy(IoasId source, ulong sourceIova, ulong length, IoasId destination, Permission permission) =>
        Copy(source, sourceIova, length, destination, permission, 0, IoasMapFlags.None);

    /// <summary>Maps what is mapped elsewhere at an iova.</summary>
    /// <param name="source">Where it is mapped; may be the same ioas.</param>
    /// <param name="sourceIova">The first iova there.</param>
    /// <param name="length">Bytes, all of them mapped.</param>
    /// <param name="destination">Where it shall be mapped.</param>
    /// <param name="iova">The first iova there.</param>
    /// <param name="permission">What devices may do through the copy.</param>
    /// <exception cref="IommufdException">The error of IOAS_COPY.</exception>
    public void CopyTo(IoasId source, ulong sourceIova, ulong length, IoasId destination, ulong iova, Permission permission) =>
        Copy(source, sourceIova, length, destination, permission, iova, IoasMapFlags.FixedIova);

    /// <summary>Takes whole mappings away. When it returns, no device uses them any more.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <param name="iova">The first iova.</param>
    /// <param name="length">Bytes; a mapping that reaches across an end is refused, but those below it are gone then.</param>
    /// <returns>The bytes that were mapped.</returns>
    /// <exception cref="IommufdException">The error of IOAS_UNMAP: ENOENT also when nothing was mapped.</exception>
    public ulong Unmap(IoasId ioas, ulong iova, ulong length)
    {
        var command = new IoasUnmapCommand { IoasId = ioas.Number, Iova = iova, Length = length };
        Call(IommufdRequest.IoasUnmap, ref command);
        return command.Length;
    }

    /// <summary>Takes every mapping away.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <returns>The bytes that were mapped.</returns>
    /// <exception cref="IommufdException">The error of IOAS_UNMAP.</exception>
    public ulong UnmapAll(IoasId ioas) => Unmap(ioas, 0, ulong.MaxValue);

    /// <summary>Which iovas can be mapped: those that no attached device has reserved.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <param name="alignment">What mappings must be aligned to, in bytes.</param>
    /// <returns>The ranges in ascending order.</returns>
    /// <exception cref="IommufdException">ENOENT.</exception>
    public IReadOnlyList<IovaSpan> GetRanges(IoasId ioas, out ulong alignment)
    {
        IoasObject held = Hold<IoasObject>(ioas.Number, IommufdRequest.IoasIovaRanges);
        List<IovaSpan> ranges = [];
        held.Space.Ranges(ranges);
        alignment = held.Space.Alignment;
        held.LetGo();
        return ranges;
    }

    /// <summary>Says which iovas <see cref="Map(IoasId, nuint, ulong, Permission)"/> may choose; no device may reserve them from here on.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <param name="allowed">The whole list, of at least two bytes each; none lifts the restriction.</param>
    /// <exception cref="IommufdException">EINVAL when spans overlap, EADDRINUSE when a device has reserved one, ENOENT.</exception>
    public void Allow(IoasId ioas, ReadOnlySpan<IovaSpan> allowed)
    {
        IoasObject held = Hold<IoasObject>(ioas.Number, IommufdRequest.IoasAllowIovas);
        Errno errno = held.Space.SetAllowed(allowed).ToErrno();
        held.LetGo();
        ThrowUnless(errno, IommufdRequest.IoasAllowIovas);
    }

    private static void ThrowUnless(Errno errno, IommufdRequest request)
    {
        if (errno != Errno.Success)
        {
            throw new IommufdException(request.ToString(), errno);
        }
    }

    private void Destroy(uint id)
    {
        var command = new DestroyCommand { Id = id };
        Call(IommufdRequest.Destroy, ref command);
    }

    private ulong Map(IoasId ioas, nuint address, ulong length, Permission permission, ulong iova, IoasMapFlags isFixed)
    {
        var command = new IoasMapCommand
        {
            Flags = FlagsOf(permission) | isFixed,
            IoasId = ioas.Number,
            UserVa = address,
            Length = length,
            Iova = iova,
        };
        Call(IommufdRequest.IoasMap, ref command);
        return command.Iova;
    }

    private ulong MapFile(IoasId ioas, int file, ulong start, ulong length, Permission permission, ulong iova, IoasMapFlags isFixed)
    {
        var command = new IoasMapFileCommand
        {
            Flags = FlagsOf(permission) | isFixed,
            IoasId = ioas.Number,
            Fd = file,
            Start = start,
            Length = length,
            Iova = iova,
        };
        Call(IommufdRequest.IoasMapFile, ref command);
        return command.Iova;
    }

    private ulong Copy(IoasId source, ulong sourceIova, ulong length, IoasId destination, Permission permission, ulong iova, IoasMapFlags isFixed)
    {
        var command = new IoasCopyCommand
        {
            Flags = FlagsOf(permission) | isFixed,
            DstIoasId = destination.Number,
            SrcIoasId = source.Number,
            Length = length,
            DstIova = iova,
            SrcIova = sourceIova,
        };
        Call(IommufdRequest.IoasCopy, ref command);
        return command.DstIova;
    }

    private static IoasMapFlags FlagsOf(Permission permission) =>
        ((permission & Permission.Read) != Permission.None ? IoasMapFlags.Readable : IoasMapFlags.None)
        | ((permission & Permission.Write) != Permission.None ? IoasMapFlags.Writeable : IoasMapFlags.None);

    // The struct is whole and its own answer: the size law has nothing to say.
    private void Call<T>(IommufdRequest request, ref T command)
        where T : unmanaged
    {
        Engine.Table.Covers((uint)request, out IoctlRow? row);
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<T>(ref command));
        long answer = 0;
        ThrowUnless(row!.Handler(new IoctlCall(this, Engine.Local, bytes, new CallArgument(bytes), (uint)bytes.Length, ref answer)), request);
    }

    private T Hold<T>(uint id, IommufdRequest request)
        where T : UapiObject
    {
        ThrowUnless(Objects.Get(id, out T? held), request);
        return held!;
    }
}
