namespace FastIova;

/// <summary>The translator of a port that is attached to nothing: every access faults.</summary>
/// <param name="context">The port's.</param>
internal sealed unsafe class DetachedTranslator(PortContext context) : Translator(context, spaceId: 0, granuleBytes: 4096)
{
    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next)
    {
        hosts[..iovas.Length].Clear();
        return iovas.IsEmpty ? -1 : 0;
    }

    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, ReadOnlySpan<Permission> access, ReadOnlySpan<ulong> next) =>
        Translate(iovas, hosts, Permission.None, next);

    // SAFETY: the caller's completions have count words.
    internal override void Answer(ulong* requests, ulong* completions, int count)
    {
        new Span<ulong>(completions, count).Fill(CompletionWord.Faulted(FaultReason.NotAttached));
        Slot->Tally.Count(FaultReason.NotAttached, (uint)count);
    }

    internal override FaultReason Explain(ulong iova, Permission access) => FaultReason.NotAttached;

    internal override ulong RemoteOf(ulong iova, Permission access) => 0;

    internal override bool TryTranslatePage(ulong iova, Permission access, out nuint host, out ulong pageLast)
    {
        host = 0;
        pageLast = iova;
        return false;
    }

    private protected override bool TryWalk(ulong iova, Permission access, out nuint host)
    {
        host = 0;
        Slot->Tally.Count(FaultReason.NotAttached);
        return false;
    }
}
