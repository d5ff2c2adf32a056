using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Who made a connection, as the kernel saw it when it was made.</summary>
/// <param name="Process">The process.</param>
/// <param name="User">Its effective user.</param>
/// <param name="Group">Its effective group.</param>
internal readonly record struct PeerCredentials(int Process, uint User, uint Group);

/// <summary>A local connection that keeps messages apart (SOCK_SEQPACKET), or a place that accepts such connections.</summary>
/// <remarks>
/// Owns: one file descriptor, close-on-exec.
/// Threads: any; a message is sent and received whole.
/// </remarks>
internal sealed unsafe class UnixSocket : IDisposable
{
    private const int AddressBytesLast = 110; // struct sockaddr_un
    private const int RightsLast = 4;
    private const int OptionType = 3;
    private const int OptionAccepts = 30;
    private const int OptionDomain = 39;
    private const int OptionPeerProcess = 77; // SO_PEERPIDFD
    private const int GetStatus = 3;
    private const int SetStatus = 4;

    private static long FileControl => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 72 : 25;

    private readonly Descriptor _descriptor;

    private UnixSocket(int fd)
        : this(new Descriptor(fd))
    {
    }

    private UnixSocket(Descriptor descriptor) => _descriptor = descriptor;

    /// <summary>The file descriptor.</summary>
    internal int Number => _descriptor.Number;

    /// <summary>Who connected.</summary>
    internal PeerCredentials Peer
    {
        get
        {
            int* credentials = stackalloc int[3];
            uint bytes = 3 * sizeof(int);

            // SAFETY: the kernel writes at most the bytes given.
            Check(Libc.GetSocketOption(Number, Libc.LevelSocket, Libc.OptionPeerCredentials, credentials, &bytes), "Asking who connected");
            return new PeerCredentials(credentials[0], (uint)credentials[1], (uint)credentials[2]);
        }
    }

    /// <summary>Takes hold of who connected. A connection can outlive its maker in other hands, and the id of the maker be another's by now.</summary>
    /// <returns>Null when it has gone.</returns>
    internal ProcessHandle? TryOpenPeer()
    {
        const int NoSuchOption = 92;
        int pidfd = -1;
        uint bytes = sizeof(int);

        // SAFETY: the kernel writes one word of this frame.
        int result = Libc.GetSocketOption(Number, Libc.LevelSocket, OptionPeerProcess, &pidfd, &bytes);
        bool isUnknown = result != 0 && Marshal.GetLastPInvokeError() == NoSuchOption; // before Linux 6.5 there is only the id
        ProcessHandle? peer = result == 0 ? ProcessHandle.Adopt(Peer.Process, new Descriptor(pidfd)) : isUnknown ? ProcessHandle.TryOpen(Peer.Process) : null;
        if (peer is { IsRunning: false })
        {
            peer.Dispose();
            return null;
        }

        return peer;
    }

    /// <summary>Accepts connections at a name.</summary>
    /// <param name="name">A path, or a zero character and a name that is no file.</param>
    /// <returns>The place, which does not block.</returns>
    /// <exception cref="IOException">The name is taken, too long, or lies where nothing can be made.</exception>
    internal static UnixSocket Listen(ReadOnlySpan<byte> name)
    {
        UnixSocket listener = Create(Libc.SocketNonBlocking);
        try
        {
            byte* address = stackalloc byte[AddressBytesLast];
            uint bytes = Address(name, address);
            Check(Libc.Bind(listener.Number, address, bytes), "Binding a socket to its name");
            Check(Libc.Listen(listener.Number, 128), "Listening");
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Takes over a descriptor that somebody else listens with: a supervisor that starts the program when someone connects.</summary>
    /// <param name="descriptor">The descriptor; closed when it is something else.</param>
    /// <returns>The place, which does not block.</returns>
    /// <exception cref="IOException">It is no local socket that keeps messages apart and listens.</exception>
    internal static UnixSocket AdoptListener(Descriptor descriptor)
    {
        var listener = new UnixSocket(descriptor);
        int isListening = 0;
        int type = 0;
        int family = 0;
        uint bytes = sizeof(int);

        // SAFETY: the kernel writes at most the bytes given, each time into one word of this frame.
        bool good = Libc.GetSocketOption(listener.Number, Libc.LevelSocket, OptionAccepts, &isListening, &bytes) == 0
            && Libc.GetSocketOption(listener.Number, Libc.LevelSocket, OptionType, &type, &bytes) == 0
            && Libc.GetSocketOption(listener.Number, Libc.LevelSocket, OptionDomain, &family, &bytes) == 0
            && isListening != 0 && type == Libc.SocketSeqPacket && family == Libc.FamilyUnix;
        if (!good)
        {
            listener.Dispose();
            throw new IOException($"Descriptor {descriptor.Number} is no listening local socket of packets: write ListenSequentialPacket= into the socket unit.");
        }

        // SAFETY: no memory is passed.
        long flags = Libc.SystemCall(FileControl, listener.Number, GetStatus, 0, 0, 0, 0);
        _ = Libc.SystemCall(FileControl, listener.Number, SetStatus, flags | Libc.SocketNonBlocking, 0, 0, 0);
        return listener;
    }

    /// <summary>Connects to a name.</summary>
    /// <exception cref="IOException">Nobody listens there.</exception>
    internal static UnixSocket Connect(ReadOnlySpan<byte> name)
    {
        UnixSocket socket = Create(0);
        try
        {
            byte* address = stackalloc byte[AddressBytesLast];
            uint bytes = Address(name, address);
            Check(Libc.Connect(socket.Number, address, bytes), "Connecting");
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes both ends of a connection; whoever holds the far end can ask for the name of the near one.</summary>
    /// <param name="name">A zero character and a name that nobody else uses.</param>
    /// <exception cref="IOException">Linux refused one of the steps: usually the limit on open files.</exception>
    internal static (UnixSocket Near, UnixSocket Far) Pair(ReadOnlySpan<byte> name)
    {
        using UnixSocket listener = Listen(name);
        UnixSocket far = Connect(name);
        if (listener.TryAccept() is not { } near)
        {
            far.Dispose();
            throw new IOException("A connection within the process was not accepted: raise the limit on open files (ulimit -n).");
        }

        return (near, far);
    }

    /// <summary>Accepts one connection that waits.</summary>
    /// <returns>The connection, which does not block, or null when none waits or there is no descriptor left for it.</returns>
    internal UnixSocket? TryAccept() => TryAccept(out _);

    /// <summary>Accepts one connection that waits.</summary>
    /// <param name="isFull">Whether one waits, and there is no descriptor left for it.</param>
    /// <returns>The connection, which does not block.</returns>
    internal UnixSocket? TryAccept(out bool isFull)
    {
        const int NoRoomHere = 24;
        const int NoRoomAnywhere = 23;

        // SAFETY: no address is asked for.
        int fd = Libc.Accept(Number, null, null, Libc.SocketCloseOnExec | Libc.SocketNonBlocking);
        isFull = fd < 0 && Marshal.GetLastPInvokeError() is (NoRoomHere or NoRoomAnywhere);
        return fd < 0 ? null : new UnixSocket(fd);
    }

    /// <summary>Sends one message without waiting.</summary>
    /// <param name="message">At least one byte.</param>
    /// <param name="fd">A descriptor to pass with it; negative for none.</param>
    /// <returns>False when the peer is gone or takes nothing.</returns>
    internal bool TrySend(ReadOnlySpan<byte> message, int fd = -1)
    {
        byte* control = stackalloc byte[ControlBytes(1)];

        // SAFETY: the kernel reads the message and the control bytes during the call only.
        fixed (byte* start = message)
        {
            var part = new Libc.IoVector { Start = (nuint)start, Bytes = (nuint)message.Length };
            var header = new Libc.MessageHeader { Parts = &part, PartCount = 1 };
            if (fd >= 0)
            {
                // struct cmsghdr: length, level, type; the descriptors follow.
                *(ulong*)control = 16 + sizeof(int);
                *(int*)(control + 8) = Libc.LevelSocket;
                *(int*)(control + 12) = Libc.RightsMessage;
                *(long*)(control + 16) = (uint)fd;
                header.Control = control;
                header.ControlBytes = (nuint)ControlBytes(1);
            }

            return Libc.SendMessage(Number, &header, Libc.MessageDontWait | Libc.MessageNoSignal) == message.Length;
        }
    }

    /// <summary>Receives one message.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="passed">A descriptor that came with it; further ones are closed.</param>
    /// <param name="wait">Whether to wait for one.</param>
    /// <returns>Its bytes; zero when the peer is gone; negative when none is there, or it was longer than the buffer.</returns>
    internal int Receive(Span<byte> buffer, out Descriptor? passed, bool wait = false)
    {
        passed = null;
        byte* control = stackalloc byte[ControlBytes(RightsLast)];

        // SAFETY: the kernel writes at most the bytes given, and says how many.
        fixed (byte* start = buffer)
        {
            var part = new Libc.IoVector { Start = (nuint)start, Bytes = (nuint)buffer.Length };
            var header = new Libc.MessageHeader { Parts = &part, PartCount = 1, Control = control, ControlBytes = (nuint)ControlBytes(RightsLast) };
            nint got = Libc.ReceiveMessage(Number, &header, Libc.MessageCloseOnExec | (wait ? 0 : Libc.MessageDontWait));
            if (got < 0)
            {
                return -1;
            }

            passed = Rights(control, header.ControlBytes);
            if ((header.Flags & Libc.MessageTruncated) != 0)
            {
                passed?.Dispose();
                passed = null;
                return -1;
            }

            return (int)got;
        }
    }

    /// <summary>Gives the descriptor to somebody who only passes it on.</summary>
    internal Descriptor Release() => _descriptor;

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private static Descriptor? Rights(byte* control, nuint bytes)
    {
        Descriptor? first = null;

        // SAFETY: the kernel wrote whole headers into the bytes given; each says how long it is.
        for (nuint at = 0; at + 16 <= bytes;)
        {
            ulong length = *(ulong*)(control + at);
            if (length < 16 || length > bytes - at)
            {
                break;
            }

            if (*(int*)(control + at + 8) == Libc.LevelSocket && *(int*)(control + at + 12) == Libc.RightsMessage)
            {
                for (ulong fd = 16; fd + sizeof(int) <= length; fd += sizeof(int))
                {
                    var descriptor = new Descriptor(*(int*)(control + at + fd));
                    if (first is null)
                    {
                        first = descriptor;
                    }
                    else
                    {
                        descriptor.Dispose();
                    }
                }
            }

            at += (nuint)((length + 7) & ~7UL);
        }

        return first;
    }

    private static int ControlBytes(int rights) => 16 + (((rights * sizeof(int)) + 7) & ~7);

    private static UnixSocket Create(int flags)
    {
        int fd = Libc.Socket(Libc.FamilyUnix, Libc.SocketSeqPacket | Libc.SocketCloseOnExec | flags, 0);
        Check(fd, "Making a socket");
        return new UnixSocket(fd);
    }

    // SAFETY: the caller's address has AddressBytesLast bytes, and longer names are refused.
    private static uint Address(ReadOnlySpan<byte> name, byte* address)
    {
        bool isPath = name.Length > 0 && name[0] != 0;
        if (name.Length == 0 || name.Length + (isPath ? 1 : 0) > AddressBytesLast - 2)
        {
            throw new IOException($"The name of a socket has {name.Length} bytes; it has 1 to {AddressBytesLast - 3}: use a shorter path.");
        }

        *(ushort*)address = Libc.FamilyUnix;
        name.CopyTo(new Span<byte>(address + 2, name.Length));
        if (isPath)
        {
            address[2 + name.Length] = 0;
        }

        return (uint)(2 + name.Length + (isPath ? 1 : 0));
    }

    private static void Check(int result, string step)
    {
        if (result < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            throw new IOException($"{step} failed: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno}).", errno);
        }
    }
}
