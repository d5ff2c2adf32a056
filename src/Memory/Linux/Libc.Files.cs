using System.Runtime.InteropServices;

namespace FastIova;

/// <content>Calls about open files, whoever opened them.</content>
internal static unsafe partial class Libc
{
    // SAFETY: declarations only, as in Libc.cs.
    internal const int FcntlGetFlags = 3;
    internal const int FcntlGetSeals = 1034;

    internal const int EventCloseOnExec = 0x80000;

    internal const int OpenAccessMask = 3;
    internal const int OpenPathOnly = 0x200000;

    internal const uint ModeKindMask = 0xf000;
    internal const uint ModeRegular = 0x8000;

    internal const ulong SharedMemoryMagic = 0x01021994; // TMPFS_MAGIC
    internal const ulong ProgramsMagic = 0x65735546; // FUSE_SUPER_MAGIC
    internal const ulong HugePagesMagic = 0x958458f6; // HUGETLBFS_MAGIC

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    internal static partial int FileSystemStatus(int fd, FileSystemWords* status);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    internal static partial nint WriteAt(int fd, void* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(int fd, void* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(int fd, void* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    internal static partial int EventCreate(uint initial, int flags);

    /// <summary>The fields of <c>struct statfs</c> that the engine reads, at their places on 64-bit machines.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    internal struct FileSystemWords
    {
        [FieldOffset(0)]
        internal ulong Magic;
    }
}
