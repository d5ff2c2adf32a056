namespace FastIova.Tests.TestKit;

/// <summary>The batch walk of a table, whatever its shape, for one vector width.</summary>
internal sealed unsafe class BatchWalk(IsaWidth width) : IWalkerVisitor<BatchWalk.Walks>
{
    internal abstract class Walks
    {
        internal abstract bool Run(ulong* iovas, ulong* hosts, int count, ulong need);

        internal abstract bool RunAhead(ulong* iovas, ulong* hosts, int count, ulong need, ulong* next, int nextCount, bool announced);

        /// <summary>Marks the word that decides about an address dirty, as a port does.</summary>
        internal abstract bool MarkDirty(ulong iova);
    }

    internal static Walks Of(PageTable table, IsaWidth width) => table.Accept(new BatchWalk(width));

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
        internal override bool Run(ulong* iovas, ulong* hosts, int count, ulong need) => Lookup.Run<TWalker, TIsa>(walker, iovas, hosts, count, need);

        internal override bool RunAhead(ulong* iovas, ulong* hosts, int count, ulong need, ulong* next, int nextCount, bool announced) =>
            Lookup.RunAhead<TWalker, TIsa>(walker, iovas, hosts, count, need, next, nextCount, announced);

        internal override bool MarkDirty(ulong iova)
        {
            ulong* word = walker.WordOf(iova);
            return WordChange.TryMarkDirty(ref *word, *word);
        }
    }
}
