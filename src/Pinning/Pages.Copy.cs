namespace FastIova;

/// <content>Copies by the processor, for accesses.</content>
internal sealed partial class Pages
{
    /// <summary>Copies out of the pages, or into them, which are then writable.</summary>
    /// <param name="startByte">The first byte, from the start of the first page.</param>
    /// <param name="copy">The bytes, at least one; copied in part on a failure.</param>
    /// <param name="current">The memory of the process that asks, if it may look at its own directly; null to copy as a device would.</param>
    internal PinStatus Copy(ulong startByte, CpuCopy copy, MemorySpace? current)
    {
        if (IsDirect(startByte, (ulong)copy.Length, current))
        {
            return FaultPoint.Fails() ? PinStatus.OutOfMemory
                : copy.TryAt(_owner.Memory, UserAddress + startByte) ? PinStatus.Success : PinStatus.BadAddress;
        }

        ulong first = startByte >> Frame.PageLg2;
        ulong last = (startByte + (ulong)copy.Length - 1) >> Frame.PageLg2;
        Enter();
        PinStatus status = Hold(first, last, charge: false);
        if (status == PinStatus.Success)
        {
            int done = 0;
            while (done < copy.Length && status == PinStatus.Success)
            {
                Part(startByte + (ulong)done, last, copy.Length - done, out Frame frame, out int offset, out int part);
                status = copy.Slice(done, part).TryAt(frame, offset) ? status : PinStatus.BadAddress;
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
        Kind == PagesKind.Memory
        && _nextSource is null
        && !_owner.Memory.IsGone
        && (_owner.Memory == current || startByte >> Frame.PageLg2 == (startByte + length - 1) >> Frame.PageLg2);

    private void Part(ulong startByte, ulong last, int length, out Frame frame, out int offset, out int part)
    {
        FrameRun run = RunAt(startByte >> Frame.PageLg2, last);
        frame = run.First;
        offset = (int)(startByte & (Frame.PageBytes - 1));
        part = (int)Math.Min((ulong)length, (run.Pages << Frame.PageLg2) - (ulong)offset);
    }
}
