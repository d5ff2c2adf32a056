namespace FastIova;

/// <content>What a device does to memory: copies and atomic operations, each in a scope of its own.</content>
public sealed partial class DmaPort
{
    /// <summary>Reads memory as the device sees it, across pages.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="buffer">Receives the bytes; those before a fault are valid.</param>
    /// <param name="fault">The fault that stopped it.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>False on a fault.</returns>
    public bool Read(ulong iova, Span<byte> buffer, out Fault fault, uint pasid = Fault.NoPasid)
    {
        if (!TrySpan(iova, buffer.Length, Permission.Read, pasid, out fault))
        {
            return false;
        }

        using DmaScope scope = Enter();
        _context.CountAccess(buffer.Length);
        int done = DmaCopy.Read(TranslatorOf(pasid), iova, buffer);
        done = done == buffer.Length ? done : ReadOn(TranslatorOf(pasid), iova, buffer, done);
        fault = done == buffer.Length ? default : Failure(iova + (ulong)done, Permission.Read, pasid, isCounted: true);
        return done == buffer.Length;
    }

    /// <summary>Writes memory as the device does, across pages, and marks the pages dirty.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="data">The bytes; those before a fault are written, as by a device whose transfer is cut short.</param>
    /// <param name="fault">The fault that stopped it.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>False on a fault.</returns>
    public bool Write(ulong iova, ReadOnlySpan<byte> data, out Fault fault, uint pasid = Fault.NoPasid)
    {
        if (!TrySpan(iova, data.Length, Permission.Write, pasid, out fault))
        {
            return false;
        }

        using DmaScope scope = Enter();
        _context.CountAccess(data.Length);
        int done = DmaCopy.Write(TranslatorOf(pasid), iova, data);
        done = done == data.Length ? done : WriteOn(TranslatorOf(pasid), iova, data, done);
        fault = done == data.Length ? default : Failure(iova + (ulong)done, Permission.Write, pasid, isCounted: true);
        return done == data.Length;
    }

    /// <summary>Adds to a 32-bit word in memory, atomically (PCIe FetchAdd).</summary>
    /// <param name="iova">A multiple of four.</param>
    /// <param name="addend">What to add, modulo 2^32.</param>
    /// <param name="old">The value before.</param>
    /// <param name="fault">The fault; a page that cannot be read and written is one.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>False on a fault.</returns>
    public bool FetchAdd(ulong iova, uint addend, out uint old, out Fault fault, uint pasid = Fault.NoPasid)
    {
        using DmaScope scope = Enter();
        bool good = TryWord(iova, sizeof(uint), pasid, out nuint host, out fault);
        old = good ? Interlocked.Add(ref DmaCopy.Word<uint>(host), addend) - addend : 0;
        return good;
    }

    /// <summary>Adds to a 64-bit word in memory, atomically (PCIe FetchAdd).</summary>
    /// <param name="iova">A multiple of eight.</param>
    /// <param name="addend">What to add, modulo 2^64.</param>
    /// <param name="old">The value before.</param>
    /// <param name="fault">The fault.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>False on a fault.</returns>
    public bool FetchAdd(ulong iova, ulong addend, out ulong old, out Fault fault, uint pasid = Fault.NoPasid)
    {
        using DmaScope scope = Enter();
        bool good = TryWord(iova, sizeof(ulong), pasid, out nuint host, out fault);
        old = good ? Interlocked.Add(ref DmaCopy.Word<ulong>(host), addend) - addend : 0;
        return good;
    }

    /// <summary>Replaces a 32-bit word in memory if it has the expected value, atomically (PCIe CAS).</summary>
    /// <param name="iova">A multiple of four.</param>
    /// <param name="expected">The value to replace.</param>
    /// <param name="value">The new value.</param>
    /// <param name="old">The value before; it was replaced when it equals <paramref name="expected"/>.</param>
    /// <param name="fault">The fault.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>False on a fault.</returns>
    public bool CompareExchange(ulong iova, uint expected, uint value, out uint old, out Fault fault, uint pasid = Fault.NoPasid)
    {
        using DmaScope scope = Enter();
        bool good = TryWord(iova, sizeof(uint), pasid, out nuint host, out fault);
        old = good ? Interlocked.CompareExchange(ref DmaCopy.Word<uint>(host), value, expected) : 0;
        return good;
    }

    /// <summary>Replaces a 64-bit word in memory if it has the expected value, atomically (PCIe CAS).</summary>
    /// <param name="iova">A multiple of eight.</param>
    /// <param name="expected">The value to replace.</param>
    /// <param name="value">The new value.</param>
    /// <param name="old">The value before; it was replaced when it equals <paramref name="expected"/>.</param>
    /// <param name="fault">The fault.</param>
    /// <param name="pasid">The process address space, or <see cref="Fault.NoPasid"/>.</param>
    /// <returns>False on a fault.</returns>
    public bool CompareExchange(ulong iova, ulong expected, ulong value, out ulong old, out Fault fault, uint pasid = Fault.NoPasid)
    {
        using DmaScope scope = Enter();
        bool good = TryWord(iova, sizeof(ulong), pasid, out nuint host, out fault);
        old = good ? Interlocked.CompareExchange(ref DmaCopy.Word<ulong>(host), value, expected) : 0;
        return good;
    }

    /// <summary>Counts an access of the device that was refused before the port saw it: what was explained only, or was no access of a port. For the thread that uses the port.</summary>
    internal void CountRefusal(in Fault fault)
    {
        _context.CountFault(fault.Reason);
        FastIovaEvents.Log.Fault(ReasonNames[(int)fault.Reason], (long)fault.Iova, Options.Name);
    }

    private bool TrySpan(ulong iova, int length, Permission access, uint pasid, out Fault fault)
    {
        bool wraps = length > 0 && iova + (ulong)(length - 1) < iova;
        fault = wraps ? Refusal(iova, access, FaultReason.Wraps, pasid) : default;
        return !wraps;
    }

    private bool TryWord(ulong iova, ulong size, uint pasid, out nuint host, out Fault fault)
    {
        host = 0;
        fault = default;
        _context.CountAccess((int)size);
        if ((iova & (size - 1)) != 0)
        {
            fault = Refusal(iova, Permission.ReadWrite, FaultReason.Misaligned, pasid);
            return false;
        }

        if (TranslatorOf(pasid).TryTranslate(iova, Permission.ReadWrite, out host))
        {
            return true;
        }

        fault = Failure(iova, Permission.ReadWrite, pasid, isCounted: true);
        return false;
    }
}
