using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>An open <c>/dev/iommu</c>: objects with ids, and the ioctls that make, use and destroy them.</summary>
/// <remarks>
/// <para>Owns: its objects. It lives until its file is closed and no fault queue's file, access or bound device keeps it.</para>
/// <para>Threads: any.</para>
/// <para>Teardown: <see cref="Dispose"/> never fails; whatever is alive then is detached, unpinned and destroyed.</para>
/// </remarks>
public sealed partial class IommufdContext : OpenFile, IDisposable
{
    private PinOwner? _lastOwner;
    private int _keepers = 1;
    private int _closed;

    internal IommufdContext(Engine engine, EngineNode node, Quotas? quotas = null)
    {
        Engine = engine;
        Quotas = quotas;
        Objects = new ObjectTable { Quota = quotas?.Objects };
        Accounting = node == EngineNode.VfioContainer ? AccountMode.Mm : AccountMode.User;
        engine.ContextOpened(this);
    }

    /// <summary>The engine it belongs to.</summary>
    public Engine Engine { get; }

    /// <summary>Held while the owner of everything changes; taken before any other lock.</summary>
    internal Lock ProcessChanges { get; } = new();

    /// <summary>Its objects.</summary>
    internal ObjectTable Objects { get; }

    /// <summary>What the client that opened it may have; null for no limits.</summary>
    internal Quotas? Quotas { get; }

    /// <summary>What can be mapped through its file.</summary>
    internal MapOffers Offers { get; } = new();

    /// <summary>The groups of its bound devices.</summary>
    internal DeviceGroups Groups { get; } = new();

    /// <summary>Whom locked memory is charged to; changed only while there are no objects.</summary>
    internal AccountMode Accounting { get; set; }

    /// <summary>Whether the VFIO calls are those of a container without an IOMMU.</summary>
    /// <remarks>Set by the group of a device without an IOMMU that joins the container.</remarks>
    internal bool IsNoIommu { get; set; }

    /// <summary>Whether the release that the engine answers as has a change: the one question about releases.</summary>
    internal bool Has(UapiChange change) => Engine.Options.Level.Has(change);

    /// <inheritdoc/>
    public void Dispose() => Close();

    internal override long Ioctl(Caller caller, uint request, ulong argument) =>
        Run(caller, request, new CallArgument(caller.Memory, argument));

    internal override void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            LetGo();
        }
    }

    /// <inheritdoc/>
    private protected override Errno MapChecked(in MapRequest request, out FileMapping? mapping)
    {
        mapping = null;
        return !Has(UapiChange.HardwareQueues) ? Errno.NoDevice
            : !request.IsShared ? Errno.Invalid
            : request.IsExecutable ? Errno.NotPermitted
            : Offers.Map(request.Offset, request.Length, out mapping);
    }

    /// <summary>Keeps the context alive beyond its file.</summary>
    internal void Hold() => Interlocked.Increment(ref _keepers);

    /// <summary>Keeps the context alive, unless it has ended already: for whoever found it by a descriptor.</summary>
    internal bool TryHold()
    {
        int keepers = Volatile.Read(ref _keepers);
        while (keepers != 0)
        {
            int seen = Interlocked.CompareExchange(ref _keepers, keepers + 1, keepers);
            if (seen == keepers)
            {
                return true;
            }

            keepers = seen;
        }

        return false;
    }

    /// <summary>Undoes <see cref="Hold"/>; the last one destroys what is left.</summary>
    internal void LetGo()
    {
        if (Interlocked.Decrement(ref _keepers) == 0)
        {
            Objects.Clear();
            Engine.ContextEnded(this);
        }
    }

    /// <summary>Who pays for what a caller maps now.</summary>
    internal PinOwner OwnerFor(Caller caller)
    {
        AccountMode mode = caller.Has(Capability.IpcLock) ? AccountMode.None : Accounting;

        // Most calls come from the same process as the one before.
        PinOwner? last = Volatile.Read(ref _lastOwner);
        if (last is null || last.Mode != mode || last.Memory != caller.Memory || last.User != caller.User || last.LockLimitPages != caller.LockLimitPages)
        {
            last = new PinOwner(caller.Memory, caller.User, caller.LockLimitPages, mode);
            Volatile.Write(ref _lastOwner, last);
        }

        return last;
    }

    /// <summary>Runs an ioctl whose argument is wherever the door says.</summary>
    /// <returns>Zero or more, or a negative errno.</returns>
    internal long Run(Caller caller, uint request, in CallArgument argument)
    {
        if (!Engine.Table.Covers(request, out IoctlRow? row))
        {
            return VfioContainer.Run(this, caller, request, argument);
        }

        Errno errno = SizeLaw.ReadSize(argument, out uint size);
        if (errno != Errno.Success)
        {
            return Refused(errno);
        }

        if (row is null)
        {
            return Refused(Errno.NotATypewriter);
        }

        if (size < (uint)row.SmallestBytes)
        {
            return Refused(Errno.Invalid);
        }

        // Aligned words, so that the struct can be looked at as what it is.
        Span<ulong> words = stackalloc ulong[IoctlTable.LongestBytes / sizeof(ulong)];
        Span<byte> command = MemoryMarshal.AsBytes(words)[..row.FullBytes];
        long answer = 0;
        errno = SizeLaw.Copy(argument, size, command);
        errno = errno == Errno.Success ? row.Handler(new IoctlCall(this, caller, command, argument, size, ref answer)) : errno;
        return errno == Errno.Success ? answer : Refused(errno);
    }
}
