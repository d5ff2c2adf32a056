namespace FastIova;

/// <content>The slow way through pages that lie in another process: a system call each, never an address.</content>
public sealed partial class DmaPort
{
    private static int ReadOn(Translator loop, ulong iova, Span<byte> buffer, int done)
    {
        while (done < buffer.Length
            && TryRemotePart(loop, iova + (ulong)done, buffer.Length - done, Permission.Read, out Frame frame, out int offset, out int part)
            && FrameMemory.TryRead(frame, offset, buffer.Slice(done, part)))
        {
            done += part;
            done += DmaCopy.Read(loop, iova + (ulong)done, buffer[done..]);
        }

        return done;
    }

    private static int WriteOn(Translator loop, ulong iova, ReadOnlySpan<byte> data, int done)
    {
        while (done < data.Length
            && TryRemotePart(loop, iova + (ulong)done, data.Length - done, Permission.Write, out Frame frame, out int offset, out int part)
            && FrameMemory.TryWrite(frame, offset, data.Slice(done, part)))
        {
            done += part;
            done += DmaCopy.Write(loop, iova + (ulong)done, data[done..]);
        }

        return done;
    }

    /// <summary>The part of a transfer that lies in one page of another process.</summary>
    private static bool TryRemotePart(Translator loop, ulong iova, int length, Permission access, out Frame frame, out int offset, out int part)
    {
        ulong remote = loop.RemoteOf(iova, access);
        frame = new Frame(remote & ~(Frame.PageBytes - 1));
        offset = (int)(remote & (Frame.PageBytes - 1));

        // No further than the word says: a granule smaller than a frame may be followed by another frame's.
        ulong reach = Math.Min(loop.GranuleBytes, Frame.PageBytes);
        part = (int)Math.Min(reach - (iova & (reach - 1)), (ulong)length);
        return remote != 0;
    }
}
