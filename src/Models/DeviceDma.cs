namespace FastIova;

/// <summary>How a model accesses memory: through the port of its host, while the driver allows it, with every fault told to the bus.</summary>
/// <remarks>Threads: one at a time, as the port.</remarks>
internal sealed class DeviceDma(PciDeviceHost host)
{
    private const ulong PageBytes = 4096;

    /// <summary>The pages that were looked up.</summary>
    internal ulong Translations { get; private set; }

    /// <summary>The bytes of the last failed access that were transferred before its fault.</summary>
    internal int Transferred { get; private set; }

    /// <summary>Begins a time in which unmaps wait for this device: around accesses to memory only, never around work that may take long. An emulated device copies for itself: whoever unmaps waits for each copy.</summary>
    internal DmaScope Enter() => host.IsEmulated ? default : host.Port.Enter();

    /// <summary>Reads memory.</summary>
    /// <returns>False on a fault, or when the device may not access memory at all.</returns>
    internal bool Read(ulong iova, Span<byte> buffer)
    {
        Count(iova, buffer.Length);
        return host.IsBusMaster
            ? host.ReadMemory(iova, buffer, out Fault fault) || Failed(iova, fault, isCounted: !host.IsEmulated)
            : Blocked();
    }

    /// <summary>Writes memory; what lies before a fault is written.</summary>
    /// <returns>False on a fault, or when the device may not access memory at all.</returns>
    internal bool Write(ulong iova, ReadOnlySpan<byte> data)
    {
        Count(iova, data.Length);
        return host.IsBusMaster
            ? host.WriteMemory(iova, data, out Fault fault) || Failed(iova, fault, isCounted: !host.IsEmulated)
            : Blocked();
    }

    /// <summary>Writes memory, or nothing at all when a part of it cannot be written.</summary>
    /// <returns>False on a fault, or when the device may not access memory at all.</returns>
    internal bool WriteWhole(ulong iova, ReadOnlySpan<byte> data)
    {
        if (!host.IsBusMaster)
        {
            return Blocked();
        }

        using DmaScope scope = Enter();
        ulong last = iova + (ulong)Math.Max(data.Length - 1, 0);
        for (ulong at = iova; data.Length != 0 && last >= iova; at = (at & ~(PageBytes - 1)) + PageBytes)
        {
            // A page that the engine can only copy has no address, but can be written.
            Fault fault = host.ExplainMemory(at, Permission.Write);
            if (fault.Reason is not (FaultReason.None or FaultReason.Remote))
            {
                return Failed(at, fault, isCounted: false);
            }

            if (last - at < PageBytes - (at & (PageBytes - 1)))
            {
                break;
            }
        }

        return Write(iova, data);
    }

    private void Count(ulong iova, int length) => Translations += ((iova & (PageBytes - 1)) + (ulong)length + PageBytes - 1) / PageBytes;

    // A port counts what it refuses itself.
    private bool Failed(ulong iova, in Fault fault, bool isCounted)
    {
        if (!isCounted)
        {
            host.Port.CountRefusal(fault);
        }

        Transferred = (int)(fault.Iova - iova);
        host.ReportFault(fault);
        return false;
    }

    private bool Blocked()
    {
        Transferred = 0;
        return false;
    }
}
