using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>Every ioctl of <c>/dev/iommu</c> from number 0x80 on: one row each.</summary>
internal sealed class IoctlTable
{
    /// <summary>The longest struct of any row.</summary>
    internal const int LongestBytes = 72;

    private static readonly IoctlRow[] AllRows =
    [
        Row<DestroyCommand>(IommufdRequest.Destroy, 8, DestroyHandler.Run),
        Row<IoasAllocCommand>(IommufdRequest.IoasAlloc, 12, IoasAllocHandler.Run),
        Row<IoasAllowIovasCommand>(IommufdRequest.IoasAllowIovas, 24, IoasAllowIovasHandler.Run),
        Row<IoasCopyCommand>(IommufdRequest.IoasCopy, 40, IoasCopyHandler.Run),
        Row<IoasIovaRangesCommand>(IommufdRequest.IoasIovaRanges, 32, IoasIovaRangesHandler.Run),
        Row<IoasMapCommand>(IommufdRequest.IoasMap, 40, IoasMapHandler.Run),
        Row<IoasUnmapCommand>(IommufdRequest.IoasUnmap, 24, IoasUnmapHandler.Run),
        Row<OptionCommand>(IommufdRequest.Option, 24, OptionHandler.Run),
        Row<VfioIoasCommand>(IommufdRequest.VfioIoas, 12, VfioIoasHandler.Run),
        Row<HwptAllocCommand>(IommufdRequest.HwptAlloc, 24, HwptAllocHandler.Run),
        Row<HwInfoCommand>(IommufdRequest.GetHwInfo, 32, GetHwInfoHandler.Run),
        Row<HwptSetDirtyTrackingCommand>(IommufdRequest.HwptSetDirtyTracking, 16, HwptSetDirtyTrackingHandler.Run),
        Row<HwptGetDirtyBitmapCommand>(IommufdRequest.HwptGetDirtyBitmap, 48, HwptGetDirtyBitmapHandler.Run),
        Row<HwptInvalidateCommand>(IommufdRequest.HwptInvalidate, 32, HwptInvalidateHandler.Run),
        Row<FaultAllocCommand>(IommufdRequest.FaultQueueAlloc, 16, FaultQueueAllocHandler.Run),
        Row<IoasMapFileCommand>(IommufdRequest.IoasMapFile, 40, IoasMapFileHandler.Run, UapiChange.MapFile),
        Row<ViommuAllocCommand>(IommufdRequest.ViommuAlloc, 24, ViommuAllocHandler.Run, UapiChange.VirtualIommu),
        Row<VdeviceAllocCommand>(IommufdRequest.VdeviceAlloc, 24, VdeviceAllocHandler.Run, UapiChange.VirtualIommu),
        Row<IoasChangeProcessCommand>(IommufdRequest.IoasChangeProcess, 8, IoasChangeProcessHandler.Run, UapiChange.ChangeProcess),
        Row<VeventqAllocCommand>(IommufdRequest.VeventqAlloc, 28, VeventqAllocHandler.Run, UapiChange.VirtualEvents),
        Row<HwQueueAllocCommand>(IommufdRequest.HwQueueAlloc, 40, HwQueueAllocHandler.Run, UapiChange.HardwareQueues),
        Row<NoIommuGetPaCommand>(IommufdRequest.NoIommuGetPa, 40, NoIommuGetPaHandler.Run, UapiChange.NoIommu),
        Row<TestCommand>(IommufdRequest.TestCmd, 68, TestBackend.Run),
    ];

    private readonly IoctlRow?[] _byNumber;

    /// <param name="options">Which release, and whether the test backend exists.</param>
    internal IoctlTable(EngineOptions options)
    {
        Rows = [.. AllRows.Where(row => (row.Change is not { } change || options.Level.Has(change)) && (row.Request != IommufdRequest.TestCmd || options.TestBackend))];
        _byNumber = new IoctlRow?[Rows.Max(NumberOf) + 1];
        foreach (IoctlRow row in Rows)
        {
            _byNumber[NumberOf(row)] = row;
        }
    }

    /// <summary>The rows of this release, by number.</summary>
    internal IReadOnlyList<IoctlRow> Rows { get; }

    /// <summary>Whether a request is one of the table, although its place may be a hole; the others are calls of VFIO, or unknown.</summary>
    /// <param name="request">The request.</param>
    /// <param name="row">Its row; null for a hole, or when the type or direction is another one.</param>
    internal bool Covers(uint request, out IoctlRow? row)
    {
        // The number alone decides where a request belongs (_IOC_NR); the rest of it only whether it exists.
        uint place = (request & 0xff) - IommufdConstants.CommandFirst;
        if (place >= (uint)_byNumber.Length)
        {
            row = null;
            return false;
        }

        row = _byNumber[place] is { } found && (uint)found.Request == request ? found : null;
        return true;
    }

    private static int NumberOf(IoctlRow row) => (int)(((uint)row.Request & 0xff) - IommufdConstants.CommandFirst);

    private static IoctlRow Row<T>(IommufdRequest request, int smallest, IoctlHandler handler, UapiChange? change = null)
        where T : unmanaged => new(request, smallest, Unsafe.SizeOf<T>(), change, handler);
}
