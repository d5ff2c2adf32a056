namespace FastIova.KernelTraces;

/// <summary>The files of a trace, which are called by the operation that made them.</summary>
internal sealed class LogicalFiles
{
    /// <summary>The open device itself.</summary>
    internal const uint Device = 0x30000;

    // Descriptors that the recorder passed as they are: small ones, and those no table of files reaches.
    private const ulong RawEnd = TraceOps.AccessFiles;
    private const ulong RawFirstLarge = 0x100_0000;
    private const int NeverOpen = 9999;

    private readonly Dictionary<uint, int> _open = [];
    private readonly int _device;

    internal LogicalFiles(int device) => _device = device;

    /// <summary>The descriptors that are open, without the device.</summary>
    internal IReadOnlyCollection<int> Open => _open.Values;

    internal uint Adopt(uint logical, int fd)
    {
        _open[logical] = fd;
        return logical;
    }

    internal void Forget(ulong logical) => _open.Remove((uint)logical);

    /// <summary>The descriptor behind a number of a trace; one that is never open when there is none.</summary>
    internal int Resolve(ulong logical) => logical switch
    {
        Device => _device,
        < RawEnd or >= RawFirstLarge => (int)(uint)logical,
        _ => _open.GetValueOrDefault((uint)logical, NeverOpen),
    };
}
