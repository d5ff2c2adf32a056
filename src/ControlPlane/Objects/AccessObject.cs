namespace FastIova;

/// <summary>A user of an ioas that is not a device, as an object of a context. Whoever made it owns it: DESTROY answers EBUSY.</summary>
/// <remarks>
/// <para>Threads: any. The lock guards the attachment; it is held while the user is asked to give its pins back, which takes no
/// lock of the access.</para>
/// <para>Teardown: <see cref="End"/> comes once and last; it never fails.</para>
/// </remarks>
internal sealed class AccessObject : UapiObject
{
    private readonly OrderedLock _lock = new(LockRank.Attachment);
    private readonly UserSide _side;
    private readonly bool _isInternal;
    private IoasObject? _ioas;
    private int _mover;

    private AccessObject(IommufdContext context, IAccessUser? user, bool pinsPages)
        : base(context, ObjectKind.Access)
    {
        _side = new UserSide(this, user, pinsPages);
        _isInternal = user is null;
    }

    /// <summary>The access as the address space sees it.</summary>
    internal IoasAccess Side => _side;

    /// <summary>Whether it can pin pages; the ioas is aligned to pages then.</summary>
    internal bool PinsPages => _side.PinsPages;

    /// <summary>Makes one that is attached to nothing. It keeps the context.</summary>
    internal static Errno Create(IommufdContext context, IAccessUser user, bool pinsPages, out AccessObject? access) =>
        Make(context, user, pinsPages, out access);

    /// <summary>
    /// Makes one that an object of the context owns: it has an id like any other, but it does not keep the context, is not asked
    /// before an unmap, and pins by <see cref="PinLocked"/>.
    /// </summary>
    internal static Errno CreateInternal(IommufdContext context, out AccessObject? access) => Make(context, user: null, pinsPages: true, out access);

    private static Errno Make(IommufdContext context, IAccessUser? user, bool pinsPages, out AccessObject? access)
    {
        var newcomer = new AccessObject(context, user, pinsPages);
        Errno errno = context.Objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            access = null;
            return errno;
        }

        newcomer.AddUser();
        if (!newcomer._isInternal)
        {
            context.Hold();
        }

        context.Objects.Publish(newcomer);
        access = newcomer;
        return Errno.Success;
    }

    /// <summary>Attaches it to an ioas.</summary>
    /// <returns><see cref="Errno.Invalid"/> when it is attached.</returns>
    internal Errno Attach(uint ioasId)
    {
        using (_lock.Enter())
        {
            return _ioas is not null ? Errno.Invalid : ChangeTo(ioasId);
        }
    }

    /// <summary>Attaches it to an ioas, which the caller keeps.</summary>
    internal Errno Attach(IoasObject ioas)
    {
        using (_lock.Enter())
        {
            return _ioas is not null ? Errno.Invalid : ChangeTo(ioas);
        }
    }

    /// <summary>Attaches it to another ioas; the user gives every pin back meanwhile.</summary>
    /// <returns><see cref="Errno.NotFound"/> when it is attached to none.</returns>
    internal Errno Replace(uint ioasId)
    {
        using (_lock.Enter())
        {
            return _ioas is null ? Errno.NotFound : ChangeTo(ioasId);
        }
    }

    /// <summary>Detaches it, if it is attached.</summary>
    internal void Detach()
    {
        using (_lock.Enter())
        {
            if (_ioas is not null)
            {
                ChangeTo((IoasObject?)null);
            }
        }
    }

    /// <summary>Detaches and destroys it.</summary>
    internal void End() => Context.Objects.RemoveOwned(this);

    /// <summary>Pins pages: they stay where they are until <see cref="Unpin"/>.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="write">Whether they will be written.</param>
    /// <param name="frames">Receives the frame of every page that is touched.</param>
    internal Errno Pin(ulong iova, ulong length, bool write, Span<Frame> frames) =>
        PinsPages ? _side.Pin(iova, length, write, frames).ToErrno() : Errno.Invalid;

    /// <summary>Gives back what one call of <see cref="Pin"/> took.</summary>
    internal void Unpin(ulong iova, ulong length) => _side.Unpin(iova, length);

    /// <summary>Pins whole pages that are one piece of the machine's memory: nobody can unmap them until <see cref="UnpinLocked"/>.</summary>
    /// <param name="span">Whole pages.</param>
    /// <param name="first">The frame of the first page.</param>
    internal Errno PinLocked(IovaSpan span, out Frame first) => _side.PinLocked(span, out first).ToErrno();

    /// <summary>Gives back what <see cref="PinLocked"/> took.</summary>
    internal void UnpinLocked(IovaSpan span) => _side.UnpinLocked(span);

    /// <summary>Copies from the memory behind a range.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="destination">Receives the bytes.</param>
    /// <param name="current">The memory of the process that asks, which it may reach directly; null to read what a device would.</param>
    internal Errno Read(ulong iova, Span<byte> destination, MemorySpace? current = null) => _side.Read(iova, destination, current).ToErrno();

    /// <summary>Copies to the memory behind a range.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="current">As in <see cref="Read"/>.</param>
    internal Errno Write(ulong iova, ReadOnlySpan<byte> source, MemorySpace? current = null) => _side.Write(iova, source, current).ToErrno();

    /// <summary>See <see cref="IoasObject.NthAreaIova"/>; zero when it is attached to nothing.</summary>
    internal ulong NthAreaIova(ulong packed)
    {
        using (_lock.Enter())
        {
            return _ioas?.NthAreaIova(packed) ?? 0;
        }
    }

    internal override void Destroy()
    {
        Detach();
        if (!_isInternal)
        {
            Context.LetGo();
        }
    }

    private Errno ChangeTo(uint ioasId)
    {
        Errno errno = Context.Objects.Get(ioasId, out IoasObject? ioas);
        if (errno == Errno.Success)
        {
            errno = ChangeTo(ioas);
            ioas!.LetGo();
        }

        return errno;
    }

    private Errno ChangeTo(IoasObject? next)
    {
        IoasObject? now = _ioas;
        if (now == next)
        {
            return Errno.Success;
        }

        _mover = Environment.CurrentManagedThreadId;
        Errno errno = _side.Attach(next?.Space).ToErrno();
        _mover = 0;
        if (errno == Errno.Success)
        {
            next?.AddUser();
            now?.RemoveUser();
            _ioas = next;
        }

        return errno;
    }

    /// <summary>The access as the address space sees it.</summary>
    private sealed class UserSide(AccessObject access, IAccessUser? user, bool pinsPages) : IoasAccess
    {
        internal override bool PinsPages { get; } = pinsPages;

        internal override ulong Alignment => PinsPages ? Frame.PageBytes : 1;

        protected override void OnUnmap(ulong iova, ulong length)
        {
            if (user is null)
            {
                return;
            }

            // The access itself asks while it moves, also when it moves because it is being destroyed.
            if (access._mover == Environment.CurrentManagedThreadId)
            {
                user.OnUnmap(iova, length);
            }
            else if (access.TryHold())
            {
                // Whoever destroys it waits for this call.
                user.OnUnmap(iova, length);
                access.LetGo();
            }
        }
    }
}
