using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>The way of one software device, or of one of its queues, to memory: what an emulator holds.</summary>
/// <remarks>
/// <para>Owns: a private translation cache and a place among the readers that an unmap waits for.</para>
/// <para>Invariants. A translation is valid inside the <see cref="DmaScope"/> in which it was handed out; the methods that
/// return host addresses enter a scope of their own, so hold one around the use of what they return. No method throws for
/// what a device does wrong: faults are values.</para>
/// <para>Threads: one at a time. <see cref="Attach(Domain, uint)"/> and <see cref="Detach(uint)"/> may be called by others.</para>
/// </remarks>
public sealed partial class DmaPort : IDisposable
{
    /// <summary>PASIDs are below this number (20 bits; PCIe 6.0, §6.20).</summary>
    public const uint PasidEnd = 1u << 20;

    private static readonly string[] ReasonNames = Enum.GetNames<FaultReason>();

    private readonly Lock _attachLock = new();
    private readonly Iommu _iommu;
    private PortContext _context;
    private readonly IsaWidth _isa;
    private readonly Dictionary<uint, (Translator Loop, Domain Domain)> _attachments = [];
    private readonly DetachedTranslator _detached;
    private Translator _loop;
    private readonly PasidTable _pasids;
    private bool _disposed;

    internal DmaPort(Iommu iommu, DmaPortOptions options)
    {
        _isa = options.Isa ?? IsaChoice.Current;
        if (!IsaChoice.IsSupported(_isa))
        {
            throw new PlatformNotSupportedException($"{options.Isa} vectors do not exist on this machine: leave DmaPortOptions.Isa null.");
        }

        _iommu = iommu;
        Options = options;
        _context = new PortContext(iommu.Epoch, options.Name, options.Kind);
        _detached = new DetachedTranslator(_context);
        _loop = _detached;
        _pasids = new PasidTable(_detached);
    }

    /// <summary>What the port was made of.</summary>
    public DmaPortOptions Options { get; }

    internal Iommu Iommu => _iommu;

    /// <summary>Attaches the port to a domain, in place of the one before. When this returns nothing goes through the old one any more.</summary>
    /// <param name="domain">A domain of the same <see cref="Iommu"/>.</param>
    /// <param name="pasid">The process address space that the domain is for, or <see cref="Fault.NoPasid"/>.</param>
    /// <exception cref="ArgumentException">The domain belongs to another IOMMU, or the PASID does not exist.</exception>
    /// <remarks>Threads: any; never from inside a scope of this port, which would wait for itself.</remarks>
    public void Attach(Domain domain, uint pasid = Fault.NoPasid)
    {
        ArgumentNullException.ThrowIfNull(domain);
        if (domain.Epoch != _iommu.Epoch)
        {
            throw new ArgumentException("The domain belongs to another Iommu: a port can only be attached to domains of its own.", nameof(domain));
        }

        Replace(pasid, domain);
    }

    /// <summary>Detaches the port. When this returns nothing goes through the domain any more; accesses fault.</summary>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>False when nothing was attached there.</returns>
    /// <exception cref="ArgumentException">The PASID does not exist.</exception>
    /// <remarks>Threads: any.</remarks>
    public bool Detach(uint pasid = Fault.NoPasid) => Replace(pasid, null);

    /// <summary>Enters a scope in which translations may be used.</summary>
    /// <returns>The scope; dispose it soon.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public DmaScope Enter() => new(_context, ref _loop);

    /// <summary>Enters a scope that <see cref="EndScope"/> ends, for callers that cannot hold a <see cref="DmaScope"/>. Not inside another one.</summary>
    internal void BeginScope() => _context.Enter();

    /// <summary>Ends the scope of <see cref="BeginScope"/>.</summary>
    internal void EndScope() => _context.Leave();

    /// <summary>Translates one address of the domain without PASID.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="access">What the device wants to do; <see cref="Permission.None"/> when it is not known.</param>
    /// <param name="host">The host address, or zero on a fault. Valid in the surrounding scope.</param>
    /// <returns>False on a fault, which <see cref="Explain"/> describes.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTranslate(ulong iova, Permission access, out nuint host)
    {
        if (Volatile.Read(ref _loop).TryHit(iova, access, out host))
        {
            return true;
        }

        // A place of its own: the caller's answer stays in a register while the cache hits.
        bool good = TryTranslateInScope(iova, access, out nuint walked);
        host = walked;
        return good;
    }

    /// <summary>Translates one address of a process address space.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="access">What the device wants to do.</param>
    /// <param name="pasid">The process address space.</param>
    /// <param name="host">The host address, or zero on a fault. Valid in the surrounding scope.</param>
    /// <returns>False on a fault.</returns>
    public bool TryTranslate(ulong iova, Permission access, uint pasid, out nuint host)
    {
        if (TranslatorOf(pasid).TryHit(iova, access, out host))
        {
            return true;
        }

        bool good = TryTranslateInScope(iova, access, pasid, out nuint walked);
        host = walked;
        return good;
    }

    /// <summary>Translates many addresses: a fraction of a nanosecond each while they hit the cache.</summary>
    /// <param name="iovas">Any addresses.</param>
    /// <param name="hosts">Receives as many host addresses; zero for each fault. Valid in the surrounding scope.</param>
    /// <param name="access">What the device wants to do with each.</param>
    /// <param name="fault">The first fault.</param>
    /// <param name="next">The addresses that the device will ask for next, when it knows them: their table words are fetched meanwhile.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>False when at least one faulted.</returns>
    /// <exception cref="ArgumentException">There is no room for the answers.</exception>
    public bool TranslateBatch(
        ReadOnlySpan<ulong> iovas,
        Span<nuint> hosts,
        Permission access,
        out Fault fault,
        ReadOnlySpan<ulong> next = default,
        uint pasid = Fault.NoPasid)
    {
        if (hosts.Length < iovas.Length)
        {
            PortError.Argument_NoRoom(iovas.Length, hosts.Length);
        }

        DmaScope scope = Enter();
        int failed = TranslatorOf(pasid).Translate(iovas, hosts, access & Permission.ReadWrite, next);
        fault = default; // on its own: a value chosen from two is built on the stack and copied
        if (failed >= 0)
        {
            fault = Failure(iovas[failed], access, pasid);
        }

        scope.Dispose();
        return failed < 0;
    }

    /// <summary>Translates many addresses, each with a permission of its own: as fast as with one for all.</summary>
    /// <param name="iovas">Any addresses.</param>
    /// <param name="hosts">Receives as many host addresses; zero for each fault. Valid in the surrounding scope.</param>
    /// <param name="access">What the device wants to do with each.</param>
    /// <param name="fault">The first fault.</param>
    /// <param name="next">The addresses that the device will ask for next, when it knows them: their table words are fetched meanwhile.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>False when at least one faulted.</returns>
    /// <exception cref="ArgumentException">There is no room for the answers, or not as many permissions as addresses.</exception>
    public bool TranslateBatch(
        ReadOnlySpan<ulong> iovas,
        Span<nuint> hosts,
        ReadOnlySpan<Permission> access,
        out Fault fault,
        ReadOnlySpan<ulong> next = default,
        uint pasid = Fault.NoPasid)
    {
        if (hosts.Length < iovas.Length)
        {
            PortError.Argument_NoRoom(iovas.Length, hosts.Length);
        }

        if (access.Length != iovas.Length)
        {
            PortError.Argument_Permissions(iovas.Length, access.Length);
        }

        DmaScope scope = Enter();
        int failed = TranslatorOf(pasid).Translate(iovas, hosts, access, next);
        fault = default;
        if (failed >= 0)
        {
            fault = Failure(iovas[failed], access[failed], pasid);
        }

        scope.Dispose();
        return failed < 0;
    }

    /// <summary>Translates a range into runs of contiguous host memory, for scatter-gather.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="access">What the device wants to do.</param>
    /// <param name="segments">Receives the runs in order. Valid in the surrounding scope.</param>
    /// <param name="count">The runs written.</param>
    /// <param name="fault">Why it stopped short, or a default value when it did not fault.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>The bytes translated. Fewer than asked for without a fault means that <paramref name="segments"/> is full: go on from there.</returns>
    public ulong TranslateRange(
        ulong iova,
        ulong length,
        Permission access,
        Span<HostSegment> segments,
        out int count,
        out Fault fault,
        uint pasid = Fault.NoPasid)
    {
        count = 0;
        fault = default;
        if (length == 0)
        {
            return 0;
        }

        if (!IovaSpan.TryCreate(iova, length, out IovaSpan span))
        {
            fault = Refusal(iova, access, FaultReason.Wraps, pasid);
            return 0;
        }

        using DmaScope scope = Enter();
        ulong done = Segments.Translate(TranslatorOf(pasid), span, access & Permission.ReadWrite, segments, out count, out bool faulted);
        fault = faulted ? Failure(iova + done, access, pasid) : default;
        return done;
    }

    /// <summary>Takes a ring of requests to serve.</summary>
    /// <param name="ring">The ring; one port serves it at a time.</param>
    /// <param name="pasid">The process address space of its requests, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>The queue; use it on the port's thread.</returns>
    public DmaQueue Serve(TranslationRing ring, uint pasid = Fault.NoPasid)
    {
        ArgumentNullException.ThrowIfNull(ring);
        return new DmaQueue(this, ring, pasid);
    }

    /// <summary>Why an address cannot be translated now.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="access">What the device wants to do.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>The fault; its reason is <see cref="FaultReason.None"/> when the address can be translated.</returns>
    public Fault Explain(ulong iova, Permission access, uint pasid = Fault.NoPasid)
    {
        using DmaScope scope = Enter();
        return new Fault(iova, access, TranslatorOf(pasid).Explain(iova, access), Options.Device, pasid);
    }

    /// <summary>Closes the port and detaches it everywhere. The second call does nothing.</summary>
    public void Dispose()
    {
        lock (_attachLock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _loop = _detached;
            _pasids.Clear();
            _context.Dispose();

            // The slot may be another port's from here on: a late use of this one must end in an exception, not in its place.
            _context = null!;
            foreach ((Translator _, Domain domain) in _attachments.Values)
            {
                domain.LetGo();
            }

            _attachments.Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Translator TranslatorOf(uint pasid) => pasid == Fault.NoPasid ? Volatile.Read(ref _loop) : _pasids.Of(pasid);

    // A mapping that came between the failure and this look is no reason any more, but the access has failed all the same.
    private Fault Failure(ulong iova, Permission access, uint pasid, bool isCounted = false)
    {
        FaultReason reason = Explain(iova, access, pasid).Reason;
        return Refusal(iova, access, reason == FaultReason.None ? FaultReason.NotMapped : reason, pasid, isCounted);
    }

    // Single look-ups have counted their fault already, unless the page was remote, which is none before a copy of it has failed.
    private Fault Refusal(ulong iova, Permission access, FaultReason reason, uint pasid, bool isCounted = false)
    {
        if (!isCounted || reason == FaultReason.Remote)
        {
            _context.CountFault(reason);
        }

        FastIovaEvents.Log.Fault(ReasonNames[(int)reason], (long)iova, Options.Name);
        return new Fault(iova, access, reason, Options.Device, pasid);
    }

    internal int Answer(RingConsumer ring, uint pasid)
    {
        int count = ring.TakeBatch();
        if (count != 0)
        {
            DmaScope scope = Enter();
            ring.Answer(TranslatorOf(pasid), count);
            _context.CountRequests(count);
            scope.Dispose();
        }

        return count;
    }

    // The attachment is read again: it may have been replaced since the fast way looked at it outside a scope.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTranslateInScope(ulong iova, Permission access, out nuint host)
    {
        using DmaScope scope = Enter();
        return scope.TryTranslate(iova, access, out host);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTranslateInScope(ulong iova, Permission access, uint pasid, out nuint host)
    {
        using DmaScope scope = Enter();
        return TranslatorOf(pasid).TryTranslate(iova, access, out host);
    }

    private bool Replace(uint pasid, Domain? domain)
    {
        if (pasid is >= PasidEnd and not Fault.NoPasid)
        {
            PortError.Argument_Pasid(pasid);
        }

        lock (_attachLock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // From here on new scopes use the new attachment; those that began before are waited for.
            if (!Announce(pasid, domain, out (Translator Loop, Domain Domain) old))
            {
                return false;
            }

            Conclude(old);
            return true;
        }
    }

    /// <summary>Lets new scopes use another attachment, and waits for nobody: the first half of a replacement.</summary>
    /// <param name="pasid">For which accesses.</param>
    /// <param name="domain">What to, or null for nothing.</param>
    /// <param name="old">What was attached, still in use.</param>
    /// <returns>Whether something was.</returns>
    internal bool Announce(uint pasid, Domain? domain, out (Translator Loop, Domain Domain) old)
    {
        bool replaces = _attachments.TryGetValue(pasid, out old);
        Translator? loop = null;
        if (domain is not null)
        {
            domain.Hold();
            loop = (Options.Loops ?? Translator.Create)(_context, domain.Table, _isa);
            _context.Add(loop);
            _attachments[pasid] = (loop, domain);
            loop = _log is null ? loop : new LoggingTranslator(_context, loop, _log);
        }
        else
        {
            _attachments.Remove(pasid);
        }

        // What a recorder sees stands before the loop; the loop goes on hearing of invalidations.
        loop = _iommu.Epoch.Recorder is { } recorder ? Recorded(recorder, pasid, loop) : loop;
        if (pasid == Fault.NoPasid)
        {
            Volatile.Write(ref _loop, loop ?? _detached);
        }
        else if (replaces || loop is not null)
        {
            _pasids.Set(pasid, loop);
        }

        return replaces;
    }

    /// <summary>Waits until nobody uses an attachment, and ends it: the second half.</summary>
    internal void Conclude((Translator Loop, Domain Domain) old)
    {
        WaitForAccesses();
        _context.Remove(old.Loop);
        old.Domain.LetGo();
    }
}
