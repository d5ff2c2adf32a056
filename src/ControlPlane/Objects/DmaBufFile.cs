namespace FastIova;

/// <summary>The file of a dma-buf: what is behind it can be mapped by IOAS_MAP_FILE.</summary>
/// <remarks>Owns: a reference to the dma-buf, until it is closed. Threads: any.</remarks>
internal sealed class DmaBufFile(DmaBuf buffer) : OpenFile
{
    // A kernel counts the pages of one dma-buf in 32 bits.
    private const ulong PagesEnd = uint.MaxValue;

    private int _isClosed;

    /// <summary>What is behind it.</summary>
    internal DmaBuf Buffer => buffer;

    /// <summary>Attaches pages that are to be made of a part of it.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="length">Bytes; they do not wrap.</param>
    /// <param name="source">The source of the pages, with a reference that they take over.</param>
    internal Errno Attach(ulong start, ulong length, out PageSource? source)
    {
        source = null;
        if (buffer.Length <= start + (length - 1) || length >> Frame.PageLg2 >= PagesEnd)
        {
            return Errno.Invalid;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        bool isAttached = buffer.TryAttach(out DmaBufAttachment? attachment);
        if (isAttached && !buffer.IsOnePiece)
        {
            attachment!.Put();
            return Errno.NotSupported;
        }

        source = attachment;
        return isAttached ? Errno.Success : Errno.NoDevice;
    }

    /// <inheritdoc/>
    private protected override Errno MapChecked(in MapRequest request, out FileMapping? mapping)
    {
        mapping = null;
        return Errno.Invalid;
    }

    /// <inheritdoc/>
    internal override void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            buffer.Close();
        }
    }
}
