using System.Runtime.InteropServices;

namespace FastIova;

/// <content>Calls about processes and their memory, this one's or another's, and about threads.</content>
internal static unsafe partial class Libc
{
    // SAFETY: declarations only, as in Libc.cs.
    internal const int AdvisePopulateRead = 22;
    internal const int AdvisePopulateWrite = 23;

    internal const int ErrnoNoEntry = 2;
    internal const int ErrnoNoProcess = 3;
    internal const int ErrnoFault = 14;
    internal const int ErrnoInvalid = 22;
    internal const int ErrnoNotTypewriter = 25;

    internal const int OpenReadOnly = 0;
    internal const int OpenCloseOnExec = 0x80000;

    internal const int PriorityOfThread = 0;

    [LibraryImport("libc", EntryPoint = "gettid")]
    internal static partial int ThreadId();

    [LibraryImport("libc", EntryPoint = "getpriority", SetLastError = true)]
    internal static partial int GetPriority(int of, int thread);

    [LibraryImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    internal static partial int SetPriority(int of, int thread, int nice);

    [LibraryImport("libc", EntryPoint = "process_vm_readv", SetLastError = true)]
    internal static partial nint ProcessRead(int process, IoVector* local, nuint localCount, IoVector* remote, nuint remoteCount, nuint flags);

    [LibraryImport("libc", EntryPoint = "process_vm_writev", SetLastError = true)]
    internal static partial nint ProcessWrite(int process, IoVector* local, nuint localCount, IoVector* remote, nuint remoteCount, nuint flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int IoControl(int fd, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int OpenFile(string path, int flags, int mode);

    /// <summary>A lock of an open file, as <c>struct flock</c> has it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct FileLock
    {
        internal short Type;
        internal short Whence;
        internal long Start;
        internal long Bytes;
        internal int Process;
    }

    /// <summary>A piece of memory, as <c>struct iovec</c> has it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct IoVector
    {
        internal nuint Start;
        internal nuint Bytes;
    }
}
