namespace FastIova.Tests.TestKit;

/// <summary>The batch walk of a table, whatever its shape, for one vector width.</summary>
internal readonly unsafe struct BatchWalk(IsaWidth width) : IWalkerVisitor<BatchWalk.Walks>
{
    internal abstract class Walks
    {
        internal abstract bool Run(ulong* iovas, ulong* hosts, Permission* access, int count, ulong dirty);

        internal abstract bool RunAhead(ulong* iovas, ulong* hosts, Permission* access, int count, ulong dirty, ulong* next, int nextCount, bool announced);

        /// <summary>Marks the word that decides about an address dirty, as a port does.</summary>
        internal abstract bool MarkDirty(ulong iova);
    }

    internal static Walks Of(PageTable table, IsaWidth width) => table.Accept<BatchWalk, Walks>(new BatchWalk(width));

    public Walks Visit<TWalker>(TWalker walker)
        where TWalker : unmanaged, IWalker => width switch
        {
            IsaWidth.Bits512 => new Closed<TWalker, Wide512>(walker),
            IsaWidth.Bits256 => new Closed<TWalker, Wide256>(walker),
            IsaWidth.Bits128 => new Closed<TWalker, Wide128>(walker),
            _ => new Closed<TWalker, ScalarIsa>(walker),
        };

    private sealed class Closed<TWalker, TIsa>(TWalker walker) : Walks
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
    {
        private int _fromLeaves;

        internal override bool Run(ulong* iovas, ulong* hosts, Permission* access, int count, ulong dirty) => AreAlike(access, count)
            ? Lookup.Run<TWalker, TIsa, WantsAlike>(walker, iovas, hosts, count, new WantsAlike(*access), dirty, ref _fromLeaves)
            : Lookup.Run<TWalker, TIsa, WantsEach>(walker, iovas, hosts, count, new WantsEach(access), dirty, ref _fromLeaves);

        internal override bool RunAhead(ulong* iovas, ulong* hosts, Permission* access, int count, ulong dirty, ulong* next, int nextCount, bool announced) => AreAlike(access, count)
            ? Lookup.RunAhead<TWalker, TIsa, WantsAlike, Lookup.FetchAll>(walker, iovas, hosts, count, new WantsAlike(*access), dirty, next, nextCount, announced, ref _fromLeaves)
            : Lookup.RunAhead<TWalker, TIsa, WantsEach, Lookup.FetchAll>(walker, iovas, hosts, count, new WantsEach(access), dirty, next, nextCount, announced, ref _fromLeaves);

        internal override bool MarkDirty(ulong iova)
        {
            ulong* word = walker.WordOf(iova);
            return WordChange.TryMarkDirty(ref *word, *word);
        }

        private static bool AreAlike(Permission* access, int count) => count > 0 && !new ReadOnlySpan<Permission>(access, count).ContainsAnyExcept(*access);
    }
}
