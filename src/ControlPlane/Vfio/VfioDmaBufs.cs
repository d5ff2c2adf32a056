using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The dma-bufs that were made of the BARs of one device, and VFIO_DEVICE_FEATURE_DMA_BUF, which makes them.</summary>
/// <remarks>
/// <para>Owns: the list. Invariants. X1: a dma-buf is revoked while the memory of the device is disabled, and while the device sleeps; what was
/// mapped before stays lost. X2: none is left to the device when it is closed.</para>
/// <para>Threads: any. The lock of the moves is held while domains lose memory; the lock of the list is below every other one.</para>
/// </remarks>
internal sealed class VfioDmaBufs(VfioDevice device)
{
    // The longest array that Linux copies in one piece.
    private const ulong RangesBytesLast = 4 << 20;
    private const ulong LengthEnd = 1UL << 63;

    private readonly Lock _moving = new();
    private readonly Lock _listing = new();
    private readonly List<VfioDmaBuf> _exported = [];

    /// <summary>Makes one of ranges of a BAR.</summary>
    /// <param name="caller">Who gets the descriptor.</param>
    /// <param name="argument">The feature's head and the order behind it.</param>
    /// <returns>The descriptor, or a negative errno.</returns>
    internal long Export(Caller caller, in CallArgument argument)
    {
        ulong head = (ulong)Marshal.SizeOf<VfioDeviceFeature>();
        VfioDmaBufExport order = default;
        if (!argument.TryRead(head, MemoryMarshal.AsBytes(new Span<VfioDmaBufExport>(ref order))))
        {
            return -(long)Errno.BadAddress;
        }

        if (order.NrRanges == 0 || order.Flags != 0)
        {
            return -(long)Errno.Invalid;
        }

        if (order.RegionIndex >= (uint)VfioRegion.Rom || VfioRegions.BarOf(device, order.RegionIndex) is not { } bar)
        {
            return -(long)Errno.NoDevice;
        }

        if ((ulong)order.NrRanges * (ulong)Marshal.SizeOf<VfioDmaRange>() > RangesBytesLast || FaultPoint.Fails())
        {
            return -(long)Errno.OutOfMemory;
        }

        var ranges = new VfioDmaRange[order.NrRanges];
        if (!argument.TryRead(head + (ulong)Marshal.SizeOf<VfioDmaBufExport>(), MemoryMarshal.AsBytes(ranges.AsSpan())))
        {
            return -(long)Errno.BadAddress;
        }

        Errno errno = CheckLengths(ranges);
        if (errno == Errno.Success)
        {
            // One point for the object, one for its list of ranges.
            errno = FaultPoint.Fails() || FaultPoint.Fails() ? Errno.OutOfMemory : CheckPlaces(bar, ranges);
        }

        if (errno != Errno.Success)
        {
            return -(long)errno;
        }

        return FaultPoint.Fails() ? -(long)Errno.OutOfMemory : Install(caller, bar, ranges);
    }

    /// <summary>Takes the memory away from everybody who has it: before a reset, and when the device falls asleep.</summary>
    internal void Revoke() => Move(isRevoked: true);

    /// <summary>Takes the memory away, or lets it be mapped anew, as the function says: after whatever may have changed that.</summary>
    internal void Settle()
    {
        lock (_moving)
        {
            Move(!device.Function.IsMemoryEnabled);
        }
    }

    /// <summary>The device is closed: what was exported is nobody's.</summary>
    internal void Abandon()
    {
        lock (_moving)
        {
            Move(isRevoked: true);
            foreach (VfioDmaBuf buffer in Listed())
            {
                Forget(buffer);
            }
        }
    }

    /// <summary>Nobody has a dma-buf any more, or the device has nothing to do with it. The second call does nothing.</summary>
    internal void Forget(VfioDmaBuf buffer)
    {
        bool isListed;
        lock (_listing)
        {
            isListed = _exported.Remove(buffer);
        }

        if (isListed)
        {
            device.Function.BarMapped(buffer.Bar, false);
        }
    }

    private static Errno CheckLengths(ReadOnlySpan<VfioDmaRange> ranges)
    {
        ulong length = 0;
        foreach (VfioDmaRange range in ranges)
        {
            if (range.Length == 0 || ((range.Offset | range.Length) & (Frame.PageBytes - 1)) != 0 || length + range.Length < length)
            {
                return Errno.Invalid;
            }

            length += range.Length;
        }

        return length >= LengthEnd ? Errno.Invalid : Errno.Success;
    }

    // In the order of Linux, which adds the address of the BAR first. Only memory that drivers can map can be another device's.
    private Errno CheckPlaces(PciBar bar, ReadOnlySpan<VfioDmaRange> ranges)
    {
        if (!bar.IsMappable)
        {
            return Errno.Invalid;
        }

        ulong start = device.Config.AddressOf(bar);
        foreach (VfioDmaRange range in ranges)
        {
            ulong first = start + range.Offset;
            ulong end = first + range.Length;
            if (first < start || end < first)
            {
                return Errno.Overflow;
            }

            if (end > start + bar.Bytes)
            {
                return Errno.Invalid;
            }
        }

        return Errno.Success;
    }

    private long Install(Caller caller, PciBar bar, ReadOnlySpan<VfioDmaRange> ranges)
    {
        var buffer = new VfioDmaBuf(this, bar.Index, device.Function.BarAddress(bar.Index), ranges);
        lock (_moving)
        {
            if (!device.Function.IsMemoryEnabled)
            {
                buffer.IsRevoked = true;
                buffer.Revoke(isRevoked: true);
            }

            lock (_listing)
            {
                _exported.Add(buffer);
            }
        }

        device.Function.BarMapped(bar.Index, true);
        var file = new DmaBufFile(buffer);
        int fd = caller.Install(file);
        if (fd < 0)
        {
            file.Close();
        }

        return fd;
    }

    private void Move(bool isRevoked)
    {
        lock (_moving)
        {
            foreach (VfioDmaBuf buffer in Listed())
            {
                if (buffer.IsRevoked != isRevoked)
                {
                    buffer.IsRevoked = isRevoked;
                    buffer.Revoke(isRevoked);
                }
            }
        }
    }

    private VfioDmaBuf[] Listed()
    {
        lock (_listing)
        {
            return [.. _exported];
        }
    }
}
