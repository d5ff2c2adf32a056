namespace FastIova;

/// <summary>The regions of a PCI device in its file: each begins at its index times a tebibyte.</summary>
internal static class VfioRegions
{
    /// <summary>The indices; the device has no regions of its own.</summary>
    internal const uint Count = (uint)VfioRegion.Vga + 1;

    private const int OffsetLg2 = 40;

    /// <summary>Whether there can be anything; a region that is not implemented has no bytes.</summary>
    internal static bool Exists(uint index) => index <= (uint)VfioRegion.Config;

    /// <summary>Where a region begins in the file.</summary>
    internal static ulong OffsetOf(uint index) => (ulong)index << OffsetLg2;

    /// <summary>Which region a position lies in.</summary>
    internal static uint IndexOf(ulong position) => (uint)(position >> OffsetLg2);

    /// <summary>Where a position lies in its region.</summary>
    internal static ulong Within(ulong position) => position & ((1UL << OffsetLg2) - 1);

    /// <summary>The BAR of a region; null for one that is none, or not implemented.</summary>
    internal static PciBar? BarOf(VfioDevice device, uint index) => index <= (uint)VfioRegion.Bar5 ? device.Function.Layout.Bar((int)index) : null;

    /// <summary>The bytes of a region.</summary>
    internal static ulong BytesOf(VfioDevice device, uint index) =>
        index == (uint)VfioRegion.Config ? (ulong)device.Config.Bytes : BarOf(device, index)?.Bytes ?? 0;

    /// <summary>What can be done with a region.</summary>
    internal static uint FlagsOf(VfioDevice device, uint index)
    {
        const uint Access = VfioDeviceConstants.RegionRead | VfioDeviceConstants.RegionWrite;
        if (index == (uint)VfioRegion.Config)
        {
            return Access;
        }

        return BarOf(device, index) switch
        {
            null => 0,
            { IsMappable: false } => Access,
            _ => Access | VfioDeviceConstants.RegionMap | (device.Function.Layout.Msix?.TableBar == (int)index ? VfioDeviceConstants.RegionCaps : 0),
        };
    }
}
