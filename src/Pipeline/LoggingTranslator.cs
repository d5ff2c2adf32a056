namespace FastIova;

/// <summary>Another translator, with a log of what may be written. Nothing of it is cached, so that every look-up comes by.</summary>
/// <remarks>Owns: nothing. Threads: the port's.</remarks>
internal sealed unsafe class LoggingTranslator : Translator
{
    private readonly Translator _inner;
    private readonly DmaWriteLog _log;

    internal LoggingTranslator(PortContext context, Translator inner, DmaWriteLog log)
        : base(context, inner.SpaceId, inner.GranuleBytes)
    {
        _inner = inner;
        _log = log;
    }

    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next)
    {
        int failed = -1;
        for (int i = 0; i < iovas.Length; i++)
        {
            failed = TryWalk(iovas[i], access, out hosts[i]) || failed >= 0 ? failed : i;
        }

        return failed;
    }

    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, ReadOnlySpan<Permission> access, ReadOnlySpan<ulong> next)
    {
        int failed = -1;
        for (int i = 0; i < iovas.Length; i++)
        {
            failed = TryWalk(iovas[i], access[i] & Permission.ReadWrite, out hosts[i]) || failed >= 0 ? failed : i;
        }

        return failed;
    }

    internal override void Answer(ulong* requests, ulong* completions, int count)
    {
        for (int i = 0; i < count; i++)
        {
            // SAFETY: the caller's requests have count words. A request that will be refused is logged in vain.
            Log(RequestWord.IovaOf(requests[i]), RequestWord.WantedOf(requests[i]));
        }

        _inner.Answer(requests, completions, count);
    }

    internal override FaultReason Explain(ulong iova, Permission access) => _inner.Explain(iova, access);

    internal override ulong RemoteOf(ulong iova, Permission access)
    {
        Log(iova, access);
        return _inner.RemoteOf(iova, access);
    }

    internal override bool TryTranslatePage(ulong iova, Permission access, out nuint host, out ulong pageLast)
    {
        Log(iova, access);
        bool good = _inner.TryTranslatePage(iova, access, out host, out pageLast);
        pageLast = Math.Min(pageLast, iova | (Granule - 1));
        return good;
    }

    private protected override bool TryWalk(ulong iova, Permission access, out nuint host)
    {
        Log(iova, access);
        return _inner.TryTranslate(iova, access, out host);
    }

    // What one look-up is good for: a granule, or a page of the log when that is larger.
    private ulong Granule => Math.Max(GranuleBytes, 1UL << DmaWriteLog.PageLg2);

    // Logged before the address is known to anybody; an access that is refused is logged in vain, which costs a copy.
    private void Log(ulong iova, Permission access)
    {
        if ((access & Permission.Write) != Permission.None)
        {
            _log.Add(iova & ~(Granule - 1), iova | (Granule - 1));
        }
    }
}
