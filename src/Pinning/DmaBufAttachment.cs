namespace FastIova;

/// <summary>A dma-buf as the source of one pages object, until it is revoked.</summary>
/// <remarks>
/// <para>Owns: a reference to the dma-buf, and the list of the ioases that map its pages.</para>
/// <para>Invariant: an ioas that fills a domain after <see cref="IsRevoked"/> was set maps nothing, and one that did before is
/// told. Both hold because it is told while it is alone.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class DmaBufAttachment : PageSource
{
    private readonly DmaBuf _buffer;
    private readonly Lock _lock = new();
    private readonly List<IRevocationUser> _users = [];
    private volatile bool _isRevoked;

    internal DmaBufAttachment(DmaBuf buffer)
        : base(PagesKind.Device) => _buffer = buffer;

    /// <inheritdoc/>
    internal override bool IsRevoked => _isRevoked;

    /// <inheritdoc/>
    internal override bool TryPinRun(ulong address, ulong firstPage, ulong pages, bool write, out FrameRun run)
    {
        run = new FrameRun(firstPage, pages, _buffer.Start.Next(address >> Frame.PageLg2));
        return true;
    }

    /// <inheritdoc/>
    internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs)
    {
        TryPinRun(address, firstPage, pages, write, out FrameRun run);
        runs.Add(run);
        return PinStatus.Success;
    }

    /// <inheritdoc/>
    internal override void Unpin(FrameRun run)
    {
        // The memory stays where it is.
    }

    /// <inheritdoc/>
    internal override void CountUser(IRevocationUser user, bool isNew)
    {
        lock (_lock)
        {
            if (isNew)
            {
                _users.Add(user);
            }
            else
            {
                _users.Remove(user);
            }
        }
    }

    /// <inheritdoc/>
    internal override void Put() => _buffer.Detach(this);

    /// <summary>The memory was taken away.</summary>
    internal void MarkRevoked() => _isRevoked = true;

    /// <summary>Waits until it is in no domain. Called without any lock.</summary>
    internal void TellUsers()
    {
        IRevocationUser[] users;
        lock (_lock)
        {
            users = [.. _users.Distinct()];
        }

        foreach (IRevocationUser user in users)
        {
            user.Revoke(this);
        }
    }
}
