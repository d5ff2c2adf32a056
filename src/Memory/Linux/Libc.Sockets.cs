using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The system calls around sockets, readiness and descriptors of other processes.</summary>
internal static unsafe partial class Libc
{
    // SAFETY: declarations only. Nothing is dereferenced here; each caller says why its pointers are valid.
    internal const int FamilyUnix = 1;
    internal const int SocketSeqPacket = 5;
    internal const int SocketCloseOnExec = 0x80000;
    internal const int SocketNonBlocking = 0x800;
    internal const int LevelSocket = 1;
    internal const int OptionPeerCredentials = 17;
    internal const int RightsMessage = 1;
    internal const int MessageDontWait = 0x40;
    internal const int MessageNoSignal = 0x4000;
    internal const int MessageTruncated = 0x20;
    internal const int MessageCloseOnExec = 0x40000000;

    internal const int EpollCloseOnExec = 0x80000;
    internal const int EpollAdd = 1;
    internal const int EpollRemove = 2;
    internal const uint EpollIn = 0x001;
    internal const uint EpollHangUp = 0x010;
    internal const uint EpollPeerHangUp = 0x2000;
    internal const uint EpollOnce = 1u << 30;

    internal const int ErrnoBadDescriptor = 9;
    internal const int FcntlAddSeals = 1033;
    internal const int SealSeal = 1;
    internal const int SealShrink = 2;
    internal const int SealGrow = 4;
    internal const int SealWrite = 8;
    internal const int SealFutureWrite = 16;
    internal const uint MemfdAllowSealing = 2;

    internal const int OpenReadWrite = 2;
    internal const int ResourceLockedMemory = 8;
    internal const long SystemCallCapGet = 125;
    internal const short PollReadable = 1;
    internal const short PollWritable = 4;
    internal const long SystemCallPidfdOpen = 434;
    internal const long SystemCallPidfdGetFd = 438;

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    internal static partial int Socket(int family, int kind, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    internal static partial int Bind(int fd, void* address, uint bytes);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    internal static partial int Listen(int fd, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    internal static partial int Accept(int fd, void* address, uint* bytes, int flags);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    internal static partial int Connect(int fd, void* address, uint bytes);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    internal static partial nint SendMessage(int fd, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    internal static partial nint ReceiveMessage(int fd, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    internal static partial int GetSocketOption(int fd, int level, int option, void* value, uint* bytes);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    internal static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    internal static partial int EpollControl(int epoll, int operation, int fd, EpollEvent* change);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    internal static partial int EpollWait(int epoll, EpollEvent* events, int count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "prlimit", SetLastError = true)]
    internal static partial int ProcessLimit(int process, int resource, void* newLimit, ulong* oldLimit);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int FileControl(int fd, int command, long argument);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    internal static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    internal static partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    internal static partial int ProcessControl(int option, long a, long b, long c, long d);

    [LibraryImport("libc", EntryPoint = "tcgetpgrp", SetLastError = true)]
    internal static partial int TerminalGroup(int fd);

    [LibraryImport("libc", EntryPoint = "getpgid", SetLastError = true)]
    internal static partial int ProcessGroup(int process);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    internal static partial nint ReadAt(int fd, void* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "fstat", SetLastError = true)]
    internal static partial int FileStatus(int fd, FileStatusWords* status);

    /// <summary>The fields of <c>struct stat</c> that the engine reads, at their places on x86-64.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 144)]
    internal struct FileStatusWords
    {
        [FieldOffset(0)]
        internal ulong Device;

        [FieldOffset(8)]
        internal ulong Inode;

        [FieldOffset(24)]
        internal uint Mode;

        [FieldOffset(28)]
        internal uint Owner;

        [FieldOffset(48)]
        internal ulong Length;

        [FieldOffset(56)]
        internal ulong BlockBytes;

        [FieldOffset(64)]
        internal ulong Blocks;
    }

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollEntry
    {
        internal int Descriptor;
        internal short Events;
        internal short Found;
    }

    /// <summary><c>struct msghdr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct MessageHeader
    {
        internal void* Name;
        internal uint NameBytes;
        internal IoVector* Parts;
        internal nuint PartCount;
        internal void* Control;
        internal nuint ControlBytes;
        internal int Flags;
    }

    /// <summary><c>struct epoll_event</c>, which is packed on x86-64 only.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    internal struct EpollEvent
    {
        internal uint Events;
        internal ulong Key;
    }
}
