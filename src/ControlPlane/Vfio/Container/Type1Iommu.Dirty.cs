using System.Numerics;
using System.Runtime.InteropServices;

namespace FastIova;

/// <content>
/// VFIO_IOMMU_DIRTY_PAGES. Type 1 asks no IOMMU what was written: everything that a device can write through a domain counts as
/// written, at every question. Where no device has a domain, the pages count that emulated devices have pinned.
/// </content>
internal sealed partial class Type1Iommu
{
    private Errno DirtyPages(Caller caller, in CallArgument argument)
    {
        if (!_isV2)
        {
            return Errno.AccessDenied;
        }

        Errno errno = VfioArgument.Read(argument, Marshal.SizeOf<VfioDirtyBitmap>(), out VfioDirtyBitmap dirty);
        if (errno != Errno.Success)
        {
            return errno;
        }

        switch (dirty.Flags)
        {
            case VfioConstants.DirtyStart:
                lock (_lock)
                {
                    return _tracksDirty ? Errno.Success : StartDirty();
                }

            case VfioConstants.DirtyStop:
                lock (_lock)
                {
                    _tracksDirty = false;
                    _emulated.ForEach(group => TrackPins(group, isTracked: false));
                    return Errno.Success;
                }

            case VfioConstants.DirtyGet:
                return GetDirty(caller, argument, dirty.ArgSz);

            default:
                return Errno.Invalid;
        }
    }

    private Errno StartDirty()
    {
        for (Type1Entry? entry = _entries.FirstOfAll(); entry is not null; entry = _entries.After(entry.Span.Last))
        {
            Errno errno = CheckMarks(entry);
            if (errno != Errno.Success)
            {
                return errno;
            }

            entry.WasWritten = false;
        }

        _tracksDirty = true;
        _emulated.ForEach(group => TrackPins(group, isTracked: true));
        return Errno.Success;
    }

    /// <summary>Whether the marks of an entry have a place.</summary>
    private Errno CheckMarks(Type1Entry entry) => entry.Span.LengthLessOne >> BitOperations.Log2(SmallestPage) >= Type1Bitmap.PagesMost ? Errno.Invalid
        : FaultPoint.Fails() ? Errno.OutOfMemory
        : Errno.Success;

    private Errno GetDirty(Caller caller, in CallArgument argument, uint argsz)
    {
        int head = Marshal.SizeOf<VfioDirtyBitmap>();
        VfioDirtyBitmapGet get = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<VfioDirtyBitmapGet>(ref get));
        if (argsz - (uint)head < (uint)bytes.Length)
        {
            return Errno.Invalid;
        }

        if (!argument.TryRead((ulong)head, bytes))
        {
            return Errno.BadAddress;
        }

        if (get.Bytes == 0)
        {
            return Errno.Invalid;
        }

        // The older release took a range up to the highest address for one that wraps.
        bool overflows = Has(UapiChange.Type1WrapOverflows);
        if (overflows ? get.Iova + (get.Bytes - 1) < get.Iova : get.Iova + get.Bytes < get.Iova)
        {
            return overflows ? Errno.Overflow : Errno.Invalid;
        }

        Errno errno = Type1Bitmap.Check(get.Bitmap, get.Bytes);
        if (errno != Errno.Success)
        {
            return errno;
        }

        lock (_lock)
        {
            ulong offset = SmallestPage - 1;
            var span = new IovaSpan(get.Iova, get.Iova + (get.Bytes - 1));
            return get.Bitmap.PgSize != SmallestPage || ((get.Iova | get.Bytes) & offset) != 0 || !_tracksDirty || Cuts(span) ? Errno.Invalid
                : EntriesOf(span).TrueForAll(entry => Tell(caller, get.Bitmap, span.First, entry)) ? Errno.Success
                : Errno.BadAddress;
        }
    }

    /// <summary>Tells which pages of an entry were written; that a device wrote them that has left is told once.</summary>
    /// <returns>False when the bitmap cannot be written.</returns>
    private bool Tell(Caller caller, in VfioBitmap bitmap, ulong first, Type1Entry entry)
    {
        int pageLg2 = BitOperations.Log2(SmallestPage);
        ulong pages = (entry.Span.LengthLessOne >> pageLg2) + 1;
        if (!Type1Bitmap.TryWrite(caller.Memory, bitmap.Data, (entry.Span.First - first) >> pageLg2, pages, _domains.Count != 0 || entry.WasWritten))
        {
            return false;
        }

        // Ascending, as the bitmap is written. A domain has said it of all of them; they are asked for all the same, so as not to be told later.
        bool isTold = _domains.Count != 0 || entry.WasWritten;
        foreach (ulong page in _emulated.SelectMany(group => group.Devices).SelectMany(device => device.Emulated!.TakePinned(entry.Span)).Distinct().Order())
        {
            if (!isTold && !Type1Bitmap.TryWrite(caller.Memory, bitmap.Data, (page - first) >> pageLg2, 1, areWritten: true))
            {
                return false;
            }
        }

        entry.WasWritten = false;
        return true;
    }

    private static void TrackPins(VfioGroup group, bool isTracked)
    {
        foreach (VfioDevice device in group.Devices)
        {
            device.Emulated!.TrackPins(isTracked);
        }
    }

    // What a group had pinned that leaves is told as if all of its mapping were written.
    private void KeepMarks(VfioGroup group)
    {
        for (Type1Entry? entry = _entries.FirstOfAll(); _tracksDirty && entry is not null; entry = _entries.After(entry.Span.Last))
        {
            IovaSpan span = entry.Span;
            entry.WasWritten |= group.Devices.Any(device => device.Emulated!.TakePinned(span).Length != 0);
        }
    }
}
