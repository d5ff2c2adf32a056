namespace FastIova;

/// <summary>The memory of an emulated device: pages that an access has pinned, which the processor copies from and to.</summary>
/// <remarks>
/// <para>Owns: the pins, each of one page, from its first use until somebody unmaps it, moves or detaches the device, or resets it.</para>
/// <para>Invariants. Y1: nothing is copied through a page that is not pinned. Y2: when <see cref="OnUnmap"/> returns, nothing that it named is
/// pinned or being copied.</para>
/// <para>Threads: any. The lock is held while pages are pinned and copied, and is above the locks of an ioas, which holds none while it
/// asks for its pages.</para>
/// </remarks>
internal sealed class EmulatedMemory(uint device) : PciEmulatedMemory, IAccessUser
{
    // So many pages are kept at most: a device that roams does not pin everything there is.
    private const int PinsLast = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, (Frame Frame, bool IsWritable)> _pins = [];
    private HashSet<ulong>? _told;
    private IoasAccess? _access;
    private ContainerAccess? _own;

    /// <summary>The pages that are pinned.</summary>
    internal int PinnedPages
    {
        get
        {
            lock (_lock)
            {
                return _pins.Count;
            }
        }
    }

    /// <inheritdoc/>
    internal override bool Read(ulong iova, Span<byte> buffer, out Fault fault) => Copy(iova, CpuCopy.To(buffer), out fault);

    /// <inheritdoc/>
    internal override bool Write(ulong iova, ReadOnlySpan<byte> data, out Fault fault) => Copy(iova, CpuCopy.From(data), out fault);

    /// <inheritdoc/>
    internal override Fault Explain(ulong iova, Permission access)
    {
        lock (_lock)
        {
            return new Fault(iova, access, TryPin(iova, access, out _), device, Fault.NoPasid);
        }
    }

    /// <inheritdoc/>
    public void OnUnmap(ulong iova, ulong length)
    {
        ulong last = length == ulong.MaxValue ? ulong.MaxValue : iova + (length - 1);
        lock (_lock)
        {
            foreach (ulong page in _pins.Keys.Where(page => page <= last && (page | (Frame.PageBytes - 1)) >= iova).ToArray())
            {
                Unpin(page);
            }
        }
    }

    /// <summary>The device is bound.</summary>
    internal void Connect(AccessObject access)
    {
        lock (_lock)
        {
            _access = access.Side;
        }
    }

    /// <summary>The device is opened in VFIO's own container.</summary>
    /// <param name="space">What is mapped in the container.</param>
    internal IoasStatus Connect(Ioas space)
    {
        var own = new ContainerAccess(this);
        IoasStatus status = own.Attach(space);
        if (status == IoasStatus.Success)
        {
            lock (_lock)
            {
                _own = own;
                _access = own;
            }
        }

        return status;
    }

    /// <summary>Begins or ends to keep which pages were pinned, for <see cref="TakePinned"/>.</summary>
    internal void TrackPins(bool isTracked)
    {
        lock (_lock)
        {
            _told = isTracked ? [.. _pins.Keys] : null;
        }
    }

    /// <summary>Says which pages were pinned since the last question, and those that are pinned now.</summary>
    /// <param name="span">Of which iovas.</param>
    internal ulong[] TakePinned(IovaSpan span)
    {
        lock (_lock)
        {
            ulong[] found = _told is null ? [] : [.. _told.Where(span.Contains)];
            foreach (ulong page in found.Where(page => !_pins.ContainsKey(page)))
            {
                _told!.Remove(page);
            }

            return found;
        }
    }

    /// <summary>The device is unbound; it is detached, so that nothing is pinned.</summary>
    internal void Disconnect()
    {
        LetGo();
        ContainerAccess? own;
        lock (_lock)
        {
            _access = null;
            own = _own;
            _own = null;
        }

        // Never refused: nothing else moves it, and it goes nowhere.
        own?.Attach(null);
    }

    /// <summary>Gives every page back: the device was reset.</summary>
    internal void LetGo() => OnUnmap(0, ulong.MaxValue);

    private static int OffsetOf(ulong iova) => (int)(iova & (Frame.PageBytes - 1));

    private static int PartOf(ulong iova, int length) => Math.Min(length, (int)Frame.PageBytes - OffsetOf(iova));

    private bool Copy(ulong iova, CpuCopy copy, out Fault fault)
    {
        int done = 0;
        while (done < copy.Length)
        {
            ulong at = iova + (ulong)done;
            CpuCopy part = copy.Slice(done, PartOf(at, copy.Length - done));
            lock (_lock)
            {
                Frame frame = default;
                FaultReason reason = at < iova ? FaultReason.Wraps : TryPin(at, copy.Access, out frame);
                if (reason == FaultReason.None && !part.TryAt(frame, OffsetOf(at)))
                {
                    reason = FaultReason.NotMapped; // its process has gone
                }

                if (reason != FaultReason.None)
                {
                    fault = new Fault(at, copy.Access, reason, device, Fault.NoPasid);
                    return false;
                }
            }

            done += part.Length;
        }

        fault = default;
        return true;
    }

    private FaultReason TryPin(ulong iova, Permission access, out Frame frame)
    {
        frame = default;
        if (_access is null)
        {
            return FaultReason.NotAttached;
        }

        ulong page = iova & ~(Frame.PageBytes - 1);
        bool writes = (access & Permission.Write) != Permission.None;
        if (_pins.TryGetValue(page, out (Frame Frame, bool IsWritable) present))
        {
            frame = present.Frame;
            if (present.IsWritable || !writes)
            {
                return FaultReason.None;
            }

            Unpin(page);
        }

        if (_pins.Count >= PinsLast)
        {
            foreach (ulong old in _pins.Keys.ToArray())
            {
                Unpin(old);
            }
        }

        Span<Frame> frames = stackalloc Frame[1];
        Errno errno = _access.Pin(page, Frame.PageBytes, writes, frames).ToErrno();
        if (errno != Errno.Success)
        {
            return errno == Errno.NotPermitted ? FaultReason.PermissionDenied : FaultReason.NotMapped;
        }

        frame = frames[0];
        _pins[page] = (frame, writes);
        _told?.Add(page);
        return FaultReason.None;
    }

    private void Unpin(ulong page)
    {
        _pins.Remove(page);
        _access!.Unpin(page, Frame.PageBytes);
    }

    /// <summary>How VFIO's own container knows the device.</summary>
    private sealed class ContainerAccess(EmulatedMemory memory) : IoasAccess
    {
        internal override bool PinsPages => true;

        internal override ulong Alignment => Frame.PageBytes;

        protected override void OnUnmap(ulong iova, ulong length) => memory.OnUnmap(iova, length);
    }
}
