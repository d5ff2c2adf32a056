namespace FastIova;

/// <summary>
/// Memory that its owner exports by a file descriptor (a dma-buf) and may take away at any time: of a device, or of the test
/// backend. Who derives from it says where the memory is, and frees it at the end.
/// </summary>
/// <remarks>
/// <para>Owns: the list of what was made of it.</para>
/// <para>Invariants. B1: the memory stays until the descriptor is closed and no pages are left. B2: what was attached before a
/// call of <see cref="Revoke"/> is in no domain after it, and never again: whoever wants the memory back maps it anew.
/// B3: nothing can be attached while it is revoked.</para>
/// <para>Threads: any. Teardown: <see cref="Free"/> comes once, from whoever lets go last; it never fails.</para>
/// </remarks>
internal abstract class DmaBuf
{
    private readonly Lock _lock = new();
    private readonly List<DmaBufAttachment> _attachments = [];
    private int _references = 1;
    private bool _isRevoked;

    /// <summary>Its bytes, a multiple of 4 KiB.</summary>
    internal abstract ulong Length { get; }

    /// <summary>The frame of its first page; the others follow it.</summary>
    internal abstract Frame Start { get; }

    /// <summary>Whether it lies in one piece; pages can be made of no other.</summary>
    internal virtual bool IsOnePiece => true;

    /// <summary>Attaches pages that are to be made of it.</summary>
    /// <param name="attachment">The source of the pages, with a reference that they take over.</param>
    /// <returns>False when it is revoked, or its descriptor was closed a moment ago.</returns>
    internal bool TryAttach(out DmaBufAttachment? attachment)
    {
        lock (_lock)
        {
            if (_isRevoked || _references == 0)
            {
                attachment = null;
                return false;
            }

            attachment = new DmaBufAttachment(this);
            _attachments.Add(attachment);
            _references++;
            return true;
        }
    }

    /// <summary>Takes the memory away from everybody who has it, and says whether it may be attached again.</summary>
    /// <param name="isRevoked">Whether attaching is refused from here on. What was attached before is lost in either case.</param>
    internal void Revoke(bool isRevoked)
    {
        DmaBufAttachment[] lost;
        lock (_lock)
        {
            _isRevoked = isRevoked;
            lost = [.. _attachments];
            foreach (DmaBufAttachment attachment in lost)
            {
                attachment.MarkRevoked();
            }
        }

        foreach (DmaBufAttachment attachment in lost)
        {
            attachment.TellUsers();
        }
    }

    /// <summary>The descriptor is closed.</summary>
    internal void Close() => Release(null);

    /// <summary>Pages that were made of it are gone.</summary>
    internal void Detach(DmaBufAttachment attachment) => Release(attachment);

    /// <summary>Gives the memory back: nobody has it any more.</summary>
    protected abstract void Free();

    private void Release(DmaBufAttachment? attachment)
    {
        bool isLast;
        lock (_lock)
        {
            if (attachment is not null)
            {
                _attachments.Remove(attachment);
            }

            isLast = --_references == 0;
        }

        if (isLast)
        {
            Free();
        }
    }
}
