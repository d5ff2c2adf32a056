using System.Collections.Concurrent;

namespace FastIova;

/// <summary>What stands behind the doors: the IOMMU that domains and ports belong to, the contexts, and who pays for locked memory.</summary>
/// <remarks>
/// <para>Owns: the <see cref="Iommu"/>. Contexts own themselves: each lives until its file and everything that keeps it is closed.</para>
/// <para>Threads: any.</para>
/// </remarks>
public sealed class Engine : IDisposable
{
    private readonly ConcurrentDictionary<uint, MemoryTally> _users = new();
    private readonly ConcurrentDictionary<IommufdContext, long> _contexts = new();
    private long _lastContext;
    private readonly Lazy<PhysicalMemory> _physical;

    /// <summary>Makes an engine without contexts.</summary>
    /// <param name="options">Its options, or null for the defaults.</param>
    public Engine(EngineOptions? options = null)
    {
        Options = options ?? new EngineOptions();
        Iommu = new Iommu(new IommuOptions { Recorder = Options.Recorder });
        Table = new IoctlTable(Options);
        Local = new LocalCaller(this);
        if (Metering.IsSupported)
        {
            EngineMeter.Add(this);
        }

        _physical = new Lazy<PhysicalMemory>(() => new PhysicalMemory(Iommu.Epoch));
    }

    /// <summary>What the engine was made of.</summary>
    public EngineOptions Options { get; }

    /// <summary>The IOMMU: devices open their ports here.</summary>
    public Iommu Iommu { get; }

    /// <summary>What tells devices that answer with addresses of other processes from all others.</summary>
    internal object UserAddresses { get; } = new();

    /// <summary>The contexts that live.</summary>
    public int OpenContexts => _contexts.Count;

    /// <summary>Whether devices without an IOMMU may be used (the parameter enable_unsafe_noiommu_mode of VFIO): when one is offered.</summary>
    internal bool HasNoIommuMode { get; set; }

    /// <summary>What devices without an IOMMU reach.</summary>
    internal PhysicalMemory Physical => _physical.Value;

    /// <summary>The ioctls of the release that the engine answers as.</summary>
    internal IoctlTable Table { get; }

    /// <summary>This process as a caller.</summary>
    internal LocalCaller Local { get; }

    /// <summary>Opens <c>/dev/iommu</c> for this process.</summary>
    /// <returns>The context; dispose it to close it.</returns>
    public IommufdContext OpenIommufd() => new(this, EngineNode.Iommu);

    /// <summary>Opens <c>/dev/vfio/vfio</c> for this process: a context that charges locked memory to the process.</summary>
    /// <returns>The context; dispose it to close it.</returns>
    /// <exception cref="InvalidOperationException">With <see cref="EngineOptions.StrictType1"/> the node is no context: programs open it, and groups join it.</exception>
    public IommufdContext OpenVfioContainer() => Options.StrictType1
        ? throw new InvalidOperationException("With StrictType1 /dev/vfio/vfio is VFIO's own container, which has no objects: use OpenIommufd, or leave StrictType1 false.")
        : new IommufdContext(this, EngineNode.VfioContainer);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Metering.IsSupported)
        {
            EngineMeter.Remove(this);
        }

        if (_physical.IsValueCreated)
        {
            _physical.Value.Dispose();
        }

        Iommu.Dispose();
    }

    /// <summary>Opens a node for a client.</summary>
    internal OpenFile Open(EngineNode node, Quotas? quotas = null) => node == EngineNode.VfioContainer && Options.StrictType1 ? new VfioContainerFile(this, quotas?.Mappings) : new IommufdContext(this, node, quotas);

    /// <summary>What counts the locked memory of a user.</summary>
    internal MemoryTally TallyOf(uint user) => _users.GetOrAdd(user, static _ => new MemoryTally());

    /// <summary>The contexts that live, with their numbers.</summary>
    internal IEnumerable<KeyValuePair<IommufdContext, long>> Contexts => _contexts;

    internal void ContextOpened(IommufdContext context) => _contexts[context] = Interlocked.Increment(ref _lastContext);

    internal void ContextEnded(IommufdContext context) => _contexts.TryRemove(context, out _);
}
