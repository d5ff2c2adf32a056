namespace FastIova;

/// <content>Pages that lie elsewhere, which no look-up translates.</content>
internal sealed partial class TranslationLoop<TWalker, TIsa, TCounting>
{
    internal override ulong RemoteOf(ulong iova, Permission access) =>
        Resolve(iova, access, out ulong word) == FaultReason.Remote ? HostOf(word, iova) : 0;
}
