using System.Reflection;
using System.Runtime.InteropServices;

namespace FastIova.KernelTraces;

/// <summary>
/// The system calls of a traced program, by the symbols that its dynamic linker finds first: a library that was preloaded
/// answers them, as it does for every other program.
/// </summary>
internal static unsafe partial class NativeCalls
{
    internal const int ProtNone = 0;
    internal const int ProtRead = 1;
    internal const int ProtWrite = 2;
    internal const int ProtExecute = 4;

    internal const int MapShared = 0x01;
    internal const int MapPrivate = 0x02;
    internal const int MapAnonymous = 0x20;
    internal const int MapPopulate = 0x8000;
    internal const int MapHugePages2M = 0x40000 | (21 << 26);
    internal const int MapFixedNoReplace = 0x100000;
    internal const int AdviseNoHugePage = 15;
    internal const int AdvisePopulateWrite = 23;

    internal const int CloseOnExec = 0x80000;
    internal const int OpenReadWriteCloseOnExec = 2 | CloseOnExec;
    internal const int OwnerMayReadAndWrite = 0x180;

    internal const uint MemfdCloseOnExec = 1;
    internal const uint MemfdAllowSealing = 2;
    internal const uint MemfdHugePages2M = 4 | (21u << 26);
    internal const int AddSeals = 1033;
    internal const int SealShrink = 2;
    internal const int SealGrow = 4;
    internal const int SealWrite = 8;
    internal const int SealFutureWrite = 0x10;

    internal const short PollIn = 1;
    internal const short PollOut = 4;
    internal const int LimitMemoryLock = 8;

    internal static readonly nint MapFailed = -1;

    // Asked for by this name, a symbol is looked up in the whole program and not in one library of it.
    private const string Program = "program";

    // O_TMPFILE contains O_DIRECTORY, which is another bit on Arm.
    internal static int OpenUnnamed => OpenReadWriteCloseOnExec | 0x40_0000
        | (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x1_0000);

    static NativeCalls() => NativeLibrary.SetDllImportResolver(
        Assembly.GetExecutingAssembly(),
        (name, _, _) => string.Equals(name, Program, StringComparison.Ordinal) ? NativeLibrary.GetMainProgramHandle() : 0);

    [LibraryImport(Program, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    [LibraryImport(Program, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags, int mode);

    [LibraryImport(Program, EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MemoryFile(string name, uint flags);

    [LibraryImport(Program, EntryPoint = "ftruncate", SetLastError = true)]
    internal static partial int Truncate(int fd, long length);

    [LibraryImport(Program, EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int Control(int fd, int command, int argument);

    [LibraryImport(Program, EntryPoint = "pipe2", SetLastError = true)]
    internal static partial int Pipe(int* ends, int flags);

    [LibraryImport(Program, EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int fd);

    [LibraryImport(Program, EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int Ioctl(int fd, ulong request, ulong argument);

    [LibraryImport(Program, EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(int fd, ulong buffer, ulong count);

    [LibraryImport(Program, EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(int fd, ulong buffer, ulong count);

    [LibraryImport(Program, EntryPoint = "poll", SetLastError = true)]
    internal static partial int Poll(PollFile* files, nuint count, int milliseconds);

    [LibraryImport(Program, EntryPoint = "mmap", SetLastError = true)]
    internal static partial nint Map(ulong address, ulong length, int protection, int flags, int fd, long offset);

    [LibraryImport(Program, EntryPoint = "munmap", SetLastError = true)]
    internal static partial int Unmap(ulong address, ulong length);

    [LibraryImport(Program, EntryPoint = "mprotect", SetLastError = true)]
    internal static partial int Protect(ulong address, ulong length, int protection);

    [LibraryImport(Program, EntryPoint = "madvise", SetLastError = true)]
    internal static partial int Advise(ulong address, ulong length, int advice);

    [LibraryImport(Program, EntryPoint = "setrlimit", SetLastError = true)]
    internal static partial int SetLimit(int resource, ulong* softAndHard);

    [LibraryImport(Program, EntryPoint = "setgroups", SetLastError = true)]
    internal static partial int SetGroups(nuint count, uint* groups);

    [LibraryImport(Program, EntryPoint = "setresgid", SetLastError = true)]
    internal static partial int SetGroupIds(uint real, uint effective, uint saved);

    [LibraryImport(Program, EntryPoint = "setresuid", SetLastError = true)]
    internal static partial int SetUserIds(uint real, uint effective, uint saved);

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFile
    {
        internal int Fd;
        internal short Events;
        internal short Returned;
    }
}
