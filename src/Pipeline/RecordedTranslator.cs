namespace FastIova;

/// <summary>A translator that tells a recorder of every translation; it has no cache of its own, so that none passes it by.</summary>
/// <remarks>
/// <para>Owns: nothing; the translator behind it hears of invalidations and decides.</para>
/// <para>Threads: the port's.</para>
/// </remarks>
internal sealed unsafe class RecordedTranslator(PortContext context, Translator inner, IDmaRecorder recorder, RecordedDevice device)
    : Translator(context, inner.SpaceId, inner.GranuleBytes)
{
    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next)
    {
        int failed = inner.Translate(iovas, hosts, access, next);
        for (int i = 0; i < iovas.Length; i++)
        {
            recorder.Translate(device, iovas[i], access, hosts[i] != 0);
        }

        return failed;
    }

    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, ReadOnlySpan<Permission> access, ReadOnlySpan<ulong> next)
    {
        int failed = inner.Translate(iovas, hosts, access, next);
        for (int i = 0; i < iovas.Length; i++)
        {
            recorder.Translate(device, iovas[i], access[i], hosts[i] != 0);
        }

        return failed;
    }

    internal override void Answer(ulong* requests, ulong* completions, int count)
    {
        inner.Answer(requests, completions, count);

        // SAFETY: both have count words.
        for (int i = 0; i < count; i++)
        {
            recorder.Translate(device, RequestWord.AddressOf(requests[i]), RequestWord.WantedOf(requests[i]), !new CompletionWord(completions[i]).IsFault);
        }
    }

    internal override FaultReason Explain(ulong iova, Permission access) => inner.Explain(iova, access);

    internal override ulong RemoteOf(ulong iova, Permission access)
    {
        ulong remote = inner.RemoteOf(iova, access);
        if (remote != 0)
        {
            recorder.Translate(device, iova, access, isGood: true);
        }

        return remote;
    }

    internal override bool TryTranslatePage(ulong iova, Permission access, out nuint host, out ulong pageLast)
    {
        bool good = inner.TryTranslatePage(iova, access, out host, out pageLast);
        recorder.Translate(device, iova, access, good);
        return good;
    }

    private protected override bool TryWalk(ulong iova, Permission access, out nuint host)
    {
        bool good = inner.TryTranslate(iova, access, out host);
        if (good || inner.Explain(iova, access) != FaultReason.Remote) // a remote page is asked for again, as one
        {
            recorder.Translate(device, iova, access, good);
        }

        return good;
    }
}
