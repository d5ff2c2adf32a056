using System.Globalization;

namespace FastIova;

/// <summary>A client during one call: what a handler sees of it, and the way back to it while it waits.</summary>
/// <remarks>Threads: the one that serves the slot.</remarks>
internal sealed class ClientCaller(ProgramDoor door, Client client, CallSlot slot) : Caller
{
    private int _spins = 64;

    /// <summary>The client's real user in the current call.</summary>
    internal uint UserId { get; set; }

    /// <inheritdoc/>
    internal override MemorySpace Memory => client.Memory;

    /// <inheritdoc/>
    internal override MemoryTally User => door.TallyOf(UserId);

    /// <inheritdoc/>
    internal override Func<long> LockLimitPages => client.LockLimitPages;

    /// <inheritdoc/>
    internal override Quotas? Quotas => client.Quotas;

    /// <inheritdoc/>
    internal override bool Has(Capability capability)
    {
        // What a container withholds from everybody protects its host, and cannot be dropped by anybody either. The objects here are
        // the engine's own: its root has such a right, as the root of the machine would.
        ulong rights = UserId == 0 ? client.Process.EffectiveCapabilities | ProcessHandle.WithheldCapabilities : client.Process.EffectiveCapabilities;
        return ((rights >> (int)capability) & 1) != 0 && client.Memory.IsOwn();
    }

    /// <inheritdoc/>
    internal override int Install(OpenFile file) => Install(file, closeOnExec: true);

    /// <summary>Gives the client a descriptor for a file.</summary>
    /// <returns>The descriptor, or a negative errno; the file is then still the caller's to close.</returns>
    internal int Install(OpenFile file, bool closeOnExec)
    {
        if (!client.Quotas.Files.TryTake(1))
        {
            return -DoorProtocol.TooManyFiles;
        }

        ServedFile served;
        Descriptor far;
        try
        {
            served = door.Files.Add(file, client.Quotas.Files, client, out far);
        }
        catch (IOException)
        {
            client.Quotas.Files.GiveBack(1);
            return -DoorProtocol.TooManyFiles;
        }

        // Until it is known whether the client has it, its last descriptor may be gone at any moment: nobody closes it meanwhile.
        bool isHeld = served.TryEnter();
        int fd = Install(far, closeOnExec);
        served.IsAbandoned = fd < 0;
        if (isHeld)
        {
            served.Leave();
        }

        return fd;
    }

    /// <summary>Gives the client a descriptor for what one of the engine's stands for.</summary>
    /// <param name="descriptor">The engine's, which is closed in any case.</param>
    /// <param name="closeOnExec">Whether the client's is closed when it executes another program.</param>
    internal int Install(Descriptor descriptor, bool closeOnExec)
    {
        ulong ticket = client.Deposit(descriptor);
        long fd = Ask(DoorProtocol.AskCollect, ticket, closeOnExec ? 1u : 0u);
        if (client.TryCollect(ticket, out _))
        {
            fd = fd >= 0 ? -DoorProtocol.ProtocolError : fd;
        }

        // Whoever took the ticket may still hold it; when this is over only the client does.
        lock (descriptor)
        {
            descriptor.Dispose();
        }

        return fd is >= -4095 and <= int.MaxValue ? (int)fd : -DoorProtocol.ProtocolError;
    }

    /// <inheritdoc/>
    internal override void Uninstall(int fd) => _ = Ask(DoorProtocol.AskClose, (uint)fd, 0);

    /// <inheritdoc/>
    internal override bool TryResolve(int fd, out OpenFile? file)
    {
        file = null;
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{client.Process.Id}/fd/{fd}");
        string? target;
        try
        {
            target = fd < 0 ? null : new FileInfo(path).LinkTarget;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            target = null;
        }

        if (target is null)
        {
            return false;
        }

        const string Socket = "socket:[";
        if (target.StartsWith(Socket, StringComparison.Ordinal)
            && ulong.TryParse(target.AsSpan(Socket.Length).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode)
            && door.Files.TryGetByFarInode(inode, out ServedFile? served))
        {
            file = served!.File;
        }

        return true;
    }

    /// <inheritdoc/>
    internal override BackingObjects MappedFiles => door.Objects;

    /// <inheritdoc/>
    internal override Errno TakeDescriptor(int fd, out Descriptor? taken)
    {
        int errno = client.Process.TakeDescriptor(fd, out taken);
        if (taken is not null && !client.Memory.IsOwn())
        {
            taken.Dispose();
            taken = null;
        }

        return taken is not null ? Errno.Success : errno == DoorProtocol.TooManyFiles ? Errno.OutOfMemory : Errno.BadDescriptor;
    }

    /// <summary>Asks the client to do something and waits for its answer.</summary>
    /// <returns>Its answer, or ESRCH when it has gone.</returns>
    private long Ask(uint ask, ulong a, ulong b)
    {
        slot.Question(ask, a, b);
        return slot.TryAwait(DoorProtocol.TurnAnswer, client, ref _spins) ? slot.TakeAnswer() : -DoorProtocol.NoSuchProcess;
    }
}
