namespace FastIova;

/// <content>Requests of rings.</content>
internal sealed unsafe partial class TranslationLoop<TWalker, TIsa, TCounting>
{
    internal override void Answer(ulong* requests, ulong* completions, int count)
    {
        // SAFETY: both have count words, at most a batch; the scratch has room for one.
        ulong* iovas = Context.Tlb.Scratch;
        RequestWord.Strip(requests, iovas, count);
        if (!Chunk(iovas, completions, count, new WantsOfRequests(requests), null, 0))
        {
            ExplainFaults(requests, completions, count);
        }
    }

    private void ExplainFaults(ulong* requests, ulong* completions, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (completions[i] == 0)
            {
                // A mapping that came between the walk and this look is no fault any more, but the answer was one.
                FaultReason reason = Resolve(RequestWord.AddressOf(requests[i]), RequestWord.WantedOf(requests[i]), out _);
                reason = reason == FaultReason.None ? FaultReason.NotMapped : reason;
                completions[i] = CompletionWord.Faulted(reason);
                Slot->Tally.Count(reason);
            }
        }
    }
}
