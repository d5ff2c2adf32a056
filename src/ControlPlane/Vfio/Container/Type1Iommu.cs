using System.Numerics;

namespace FastIova;

/// <summary>VFIO's type 1: mappings that are pinned at once in every domain of a container, and taken away as they were made.</summary>
/// <remarks>
/// <para>Owns: the mappings, in an <see cref="Ioas"/>, and the domains.</para>
/// <para>Invariants. T1: each entry is one area of the ioas, and the ioas has no other. T2: each group with an IOMMU is attached to
/// one of the domains, and each domain has a group. T3: without a group with an IOMMU there is no domain, and nothing is pinned
/// for one; without any group there are no entries. T4: pages are charged to the process that mapped them, once for each container,
/// against its limit of locked memory, and those of a process that may lock what it likes are counted all the same. T5: what is
/// refused has changed nothing, but for an unmap that reads written pages, which stops at the first that it cannot tell.</para>
/// <para>Threads: any. One lock is held for a whole call, as in Linux; it is above every lock of the ioas. An access that is asked to
/// give its pins back must not call the container.</para>
/// <para>Teardown: <see cref="Release"/>, after the last group has left.</para>
/// </remarks>
internal sealed partial class Type1Iommu : ContainerIommu
{
    private readonly Lock _lock = new();
    private readonly Engine _engine;
    private readonly bool _isV2;
    private readonly IntervalTree<Type1Entry> _entries = new();
    private readonly List<Type1Domain> _domains = [];
    private readonly List<VfioGroup> _emulated = [];
    private IovaWindow _window = IovaWindow.Unbound;
    private ulong _pageSizes = ~(Frame.PageBytes - 1);
    private uint _avail;
    private int _suspended;
    private bool _tracksDirty;
    private bool _isReleased;

    private Type1Iommu(Engine engine, bool isV2, Quota? mappings)
    {
        _engine = engine;
        _isV2 = isV2;
        _avail = engine.Options.DmaEntryLimit;
        Space = new Ioas { Mappings = mappings };
    }

    /// <summary>What is mapped: an emulated device pins and copies through it.</summary>
    internal Ioas Space { get; }

    /// <summary>The mappings.</summary>
    internal int EntryCount
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>The domains: groups whose IOMMUs are alike share one.</summary>
    internal int DomainCount
    {
        get
        {
            lock (_lock)
            {
                return _domains.Count;
            }
        }
    }

    private ulong SmallestPage => 1UL << BitOperations.TrailingZeroCount(_pageSizes);

    /// <summary>What it says before a container is set to it.</summary>
    internal static long CheckExtension(Engine engine, ulong extension) => (VfioExtension)extension switch
    {
        VfioExtension.Type1 or VfioExtension.Type1V2 or VfioExtension.UnmapAll => 1,
        VfioExtension.Type1Nesting => engine.Options.Level.Has(UapiChange.Type1WithoutNesting) ? 0 : 1,
        _ => 0,
    };

    /// <summary>Makes one without groups.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="type">What VFIO_SET_IOMMU names.</param>
    /// <param name="mappings">What its mappings are counted against; null for nothing.</param>
    /// <param name="made">It, on success.</param>
    /// <returns><see cref="Errno.Invalid"/> for an extension that is no type, and for nesting, which no IOMMU here has.</returns>
    internal static Errno Create(Engine engine, ulong type, Quota? mappings, out ContainerIommu? made)
    {
        made = null;
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        switch ((VfioExtension)type)
        {
            case VfioExtension.Type1:
            case VfioExtension.Type1V2:
                made = new Type1Iommu(engine, (VfioExtension)type == VfioExtension.Type1V2, mappings);
                return Errno.Success;

            default:
                return Errno.Invalid;
        }
    }

    internal override long CheckExtension(ulong extension)
    {
        lock (_lock)
        {
            return (VfioExtension)extension switch
            {
                // Emulated devices cannot pin while addresses are suspended.
                VfioExtension.UpdateVaddr => _emulated.Count == 0 ? 1 : 0,
                VfioExtension.DmaCc => _domains.TrueForAll(domain => domain.EnforcesCoherency) ? 1 : 0,
                _ => CheckExtension(_engine, extension),
            };
        }
    }

    internal override long Run(Caller caller, uint request, in CallArgument argument) => -(long)((VfioRequest)request switch
    {
        VfioRequest.IommuGetInfo => GetInfo(argument),
        VfioRequest.IommuMapDma => MapDma(caller, argument),
        VfioRequest.IommuUnmapDma => UnmapDma(caller, argument),
        VfioRequest.IommuDirtyPages => DirtyPages(caller, argument),
        _ => Errno.NotATypewriter,
    });

    internal override void Release()
    {
        lock (_lock)
        {
            _isReleased = true;
            RemoveAll();
            Space.Dispose();
        }
    }

    private bool Has(UapiChange change) => _engine.Options.Level.Has(change);
}
