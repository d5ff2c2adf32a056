using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Translation and access for C: the calls of the data path. fastiova.h says what each does.</summary>
/// <remarks>
/// A fault is EFAULT, and described in the caller's struct fi_fault, if there is one; nothing is formatted for it. Threads: the port's.
/// </remarks>
internal static unsafe class AccessExports
{
    // SAFETY: this holds for the whole type: pointers are checked for null; that they lead to memory of the size that the header names
    // is the promise of the C program, which no callee could check.
    private const int Faulted = -(int)Errno.BadAddress;

    [UnmanagedCallersOnly(EntryPoint = "fi_port_translate")]
    internal static int Translate(nint port, ulong iova, uint access, uint pasid, nuint* host, NativeFault* fault)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            if (host == null)
            {
                return Refusal.NoPointer("host");
            }

            bool good = pasid == Fault.NoPasid
                ? found.Port.TryTranslate(iova, (Permission)access, out nuint answer)
                : found.Port.TryTranslate(iova, (Permission)access, pasid, out answer);
            *host = answer;
            return good ? 0 : Explain(found.Port, iova, (Permission)access, pasid, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_translate_batch")]
    internal static int TranslateBatch(nint port, ulong* iovas, nuint* hosts, nuint count, uint access, NativeFault* fault)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            if (iovas == null || hosts == null || count > int.MaxValue)
            {
                return BadBatch(iovas, hosts, count);
            }

            int length = (int)count;
            bool good = found.Port.TranslateBatch(new ReadOnlySpan<ulong>(iovas, length), new Span<nuint>(hosts, length), (Permission)access, out Fault first);
            return good ? 0 : Tell(first, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_translate_many")]
    internal static int TranslateMany(nint port, Batch* batch, NativeFault* fault)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            if (batch == null)
            {
                return Refusal.NoPointer("batch");
            }

            Batch told = default;
            int refused = Sized.Read(batch, batch->Size, &told, sizeof(Batch));
            refused = refused == 0 ? Sized.Check(0, 0, told.Reserved) : refused;
            if (refused != 0)
            {
                return refused;
            }

            if (told.Iovas == null || told.Hosts == null || told.Count > int.MaxValue || told.NextCount > int.MaxValue || (told.Next == null && told.NextCount != 0))
            {
                return BadBatch(told.Iovas, told.Hosts, Math.Max(told.Count, told.NextCount));
            }

            int length = (int)told.Count;
            var iovas = new ReadOnlySpan<ulong>(told.Iovas, length);
            var hosts = new Span<nuint>(told.Hosts, length);
            var next = new ReadOnlySpan<ulong>(told.Next, (int)told.NextCount);
            Fault first;
            bool good = told.Each == null
                ? found.Port.TranslateBatch(iovas, hosts, (Permission)told.Access, out first, next, told.Pasid)
                : found.Port.TranslateBatch(iovas, hosts, new ReadOnlySpan<Permission>(told.Each, length), out first, next, told.Pasid);
            return good ? 0 : Tell(first, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_translate_range")]
    internal static int TranslateRange(nint port, Range* range, NativeFault* fault)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            if (range == null)
            {
                return Refusal.NoPointer("range");
            }

            if (range->Size < (uint)sizeof(Range))
            {
                return Refusal.Because(Errno.Invalid, $"The range says that it has {range->Size} bytes: set its size to sizeof of it.");
            }

            if (range->Reserved != 0)
            {
                return Sized.Check(0, 0, range->Reserved);
            }

            if (range->Segments == null && range->Capacity != 0)
            {
                return Refusal.NoPointer("segments");
            }

            var segments = new Span<HostSegment>(range->Segments, (int)Math.Min(range->Capacity, int.MaxValue));
            range->Bytes = found.Port.TranslateRange(range->Iova, range->Length, (Permission)range->Access, segments, out int count, out Fault first, range->Pasid);
            range->Count = (uint)count;
            return first.Reason == FaultReason.None ? 0 : Tell(first, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_read")]
    internal static int Read(nint port, ulong iova, void* buffer, nuint count, uint pasid, NativeFault* fault)
    {
        try
        {
            return HandleTable.Find<NativePort>(port) is not { } found ? Refusal.NoHandle("port")
                : (buffer == null && count != 0) || count > int.MaxValue ? BadBuffer(buffer, count)
                : found.Port.Read(iova, new Span<byte>(buffer, (int)count), out Fault first, pasid) ? 0
                : Tell(first, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_write")]
    internal static int Write(nint port, ulong iova, void* data, nuint count, uint pasid, NativeFault* fault)
    {
        try
        {
            return HandleTable.Find<NativePort>(port) is not { } found ? Refusal.NoHandle("port")
                : (data == null && count != 0) || count > int.MaxValue ? BadBuffer(data, count)
                : found.Port.Write(iova, new ReadOnlySpan<byte>(data, (int)count), out Fault first, pasid) ? 0
                : Tell(first, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_fetch_add32")]
    internal static int FetchAdd32(nint port, ulong iova, uint addend, uint pasid, uint* old, NativeFault* fault)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            bool good = found.Port.FetchAdd(iova, addend, out uint before, out Fault first, pasid);
            return good ? Put(old, before) : Tell(first, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_fetch_add64")]
    internal static int FetchAdd64(nint port, ulong iova, ulong addend, uint pasid, ulong* old, NativeFault* fault)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            bool good = found.Port.FetchAdd(iova, addend, out ulong before, out Fault first, pasid);
            return good ? Put(old, before) : Tell(first, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_compare_exchange32")]
    internal static int CompareExchange32(nint port, ulong iova, uint expected, uint value, uint pasid, uint* old, NativeFault* fault)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            bool good = found.Port.CompareExchange(iova, expected, value, out uint before, out Fault first, pasid);
            return good ? Put(old, before) : Tell(first, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_compare_exchange64")]
    internal static int CompareExchange64(nint port, ulong iova, ulong expected, ulong value, uint pasid, ulong* old, NativeFault* fault)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            bool good = found.Port.CompareExchange(iova, expected, value, out ulong before, out Fault first, pasid);
            return good ? Put(old, before) : Tell(first, fault);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_explain")]
    internal static int Explain(nint port, ulong iova, uint access, uint pasid, NativeFault* fault)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            Fault why = found.Port.Explain(iova, (Permission)access, pasid);
            int told = Tell(why, fault);
            return why.Reason == FaultReason.None ? 0 : told;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    private static int Put<T>(T* to, T value)
        where T : unmanaged
    {
        if (to != null)
        {
            *to = value;
        }

        return 0;
    }

    private static int Tell(in Fault fault, NativeFault* to)
    {
        if (to != null)
        {
            *to = NativeFault.Of(fault);
        }

        return Faulted;
    }

    // A mapping that came between the failure and this look is no reason any more, but the access has failed all the same.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Explain(DmaPort port, ulong iova, Permission access, uint pasid, NativeFault* to)
    {
        if (to == null)
        {
            return Faulted;
        }

        Fault fault = port.Explain(iova, access, pasid);
        return Tell(fault.Reason == FaultReason.None ? fault with { Reason = FaultReason.NotMapped } : fault, to);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int BadBatch(void* iovas, void* hosts, nuint count) =>
        iovas == null ? Refusal.NoPointer("iovas")
        : hosts == null ? Refusal.NoPointer("hosts")
        : count <= int.MaxValue ? Refusal.NoPointer("next")
        : Refusal.Because(Errno.Invalid, $"A batch of {count} is too long: the longest has {int.MaxValue}.");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int BadBuffer(void* buffer, nuint count) =>
        buffer == null ? Refusal.NoPointer("buffer") : Refusal.Because(Errno.Invalid, $"A transfer of {count} bytes is too long: the longest has {int.MaxValue}.");

    /// <summary>struct fi_batch.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Batch
    {
        internal uint Size;
        internal uint Access;
        internal ulong* Iovas;
        internal nuint* Hosts;
        internal nuint Count;
        internal byte* Each;
        internal ulong* Next;
        internal nuint NextCount;
        internal uint Pasid;
        internal uint Reserved;
    }

    /// <summary>struct fi_range.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Range
    {
        internal uint Size;
        internal uint Access;
        internal ulong Iova;
        internal ulong Length;
        internal HostSegment* Segments;
        internal uint Capacity;
        internal uint Count;
        internal ulong Bytes;
        internal uint Pasid;
        internal uint Reserved;
    }
}
