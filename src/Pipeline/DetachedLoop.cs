namespace FastIova;

/// <summary>The loop of a port that is attached to nothing: every access faults.</summary>
/// <param name="context">The port's.</param>
internal sealed class DetachedLoop(PortContext context) : TranslationLoop(context, spaceId: 0, granuleBytes: 4096)
{
    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next)
    {
        hosts[..iovas.Length].Clear();
        return iovas.IsEmpty ? -1 : 0;
    }

    internal override FaultReason Explain(ulong iova, Permission access) => FaultReason.NotAttached;

    internal override ulong PageLast(ulong iova, ulong last) => iova;

    private protected override bool TryWalk(ulong iova, Permission access, out nuint host)
    {
        host = 0;
        return false;
    }
}
