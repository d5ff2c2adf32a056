namespace FastIova;

/// <content>Copies by the processor, for accesses.</content>
internal sealed partial class Pages
{
    /// <summary>Copies out of the pages.</summary>
    /// <param name="startByte">The first byte, from the start of the first page.</param>
    /// <param name="destination">Receives the bytes, at least one.</param>
    /// <param name="current">The memory of the process that asks, if it may look at its own directly; null to copy as a device would.</param>
    internal PinStatus Read(ulong startByte, Span<byte> destination, MemorySpace? current)
    {
        if (IsDirect(startByte, (ulong)destination.Length, current))
        {
            return FaultPoint.Fails() ? PinStatus.OutOfMemory
                : _owner.Memory.TryRead(UserAddress + startByte, destination) ? PinStatus.Success : PinStatus.BadAddress;
        }

        ulong first = startByte >> Frame.PageLg2;
        ulong last = (startByte + (ulong)destination.Length - 1) >> Frame.PageLg2;
        Enter();
        PinStatus status = Hold(first, last, charge: false);
        if (status == PinStatus.Success)
        {
            int done = 0;
            while (done < destination.Length && status == PinStatus.Success)
            {
                Part(startByte + (ulong)done, last, destination.Length - done, out Frame frame, out int offset, out int part);
                status = FrameMemory.TryRead(frame, offset, destination.Slice(done, part)) ? status : PinStatus.BadAddress;
                done += part;
            }

            Release(first, last);
        }

        Exit();
        return status;
    }

    /// <summary>Copies into the pages, which are writable.</summary>
    /// <param name="startByte">The first byte, from the start of the first page.</param>
    /// <param name="source">The bytes, at least one.</param>
    /// <param name="current">As in <see cref="Read"/>.</param>
    internal PinStatus Write(ulong startByte, ReadOnlySpan<byte> source, MemorySpace? current)
    {
        if (IsDirect(startByte, (ulong)source.Length, current))
        {
            return FaultPoint.Fails() ? PinStatus.OutOfMemory
                : _owner.Memory.TryWrite(UserAddress + startByte, source) ? PinStatus.Success : PinStatus.BadAddress;
        }

        ulong first = startByte >> Frame.PageLg2;
        ulong last = (startByte + (ulong)source.Length - 1) >> Frame.PageLg2;
        Enter();
        PinStatus status = Hold(first, last, charge: false);
        if (status == PinStatus.Success)
        {
            int done = 0;
            while (done < source.Length && status == PinStatus.Success)
            {
                Part(startByte + (ulong)done, last, source.Length - done, out Frame frame, out int offset, out int part);
                status = FrameMemory.TryWrite(frame, offset, source.Slice(done, part)) ? status : PinStatus.BadAddress;
                done += part;
            }

            Release(first, last);
        }

        Exit();
        return status;
    }

    /// <summary>
    /// Whether the process's memory is asked as it is now: by the process itself, or about one page. Everything else goes
    /// through the pins, and so sees what a device sees.
    /// </summary>
    private bool IsDirect(ulong startByte, ulong length, MemorySpace? current) =>
        !_owner.Memory.IsGone
        && (_owner.Memory == current || startByte >> Frame.PageLg2 == (startByte + length - 1) >> Frame.PageLg2);

    private void Part(ulong startByte, ulong last, int length, out Frame frame, out int offset, out int part)
    {
        FrameRun run = RunAt(startByte >> Frame.PageLg2, last);
        frame = run.First;
        offset = (int)(startByte & (Frame.PageBytes - 1));
        part = (int)Math.Min((ulong)length, (run.Pages << Frame.PageLg2) - (ulong)offset);
    }
}
