namespace FastIova;

/// <summary>Disjoint intervals in order: a balanced tree of wide nodes that also knows where the wide holes are.</summary>
/// <typeparam name="T">The intervals.</typeparam>
/// <remarks>
/// <para>A B+ tree. Intrusive binary nodes take a cache miss at each of twenty levels for a million intervals and another at
/// each sibling whose holes they compare; here a level is one node, and a node says all about its children.</para>
/// <para>Invariants. N1: the entries of a leaf, and of all leaves from left to right, ascend and do not overlap. N2: an inner
/// node has the first and the last number of each child. N3: it has the widest hole within each child; the widest hole of a
/// root is not kept, so that a small tree pays nothing for it. N4: all leaves are at one depth; no node but a root leaf is
/// empty. N5: removing never allocates.</para>
/// <para>Cost: 24 bytes an interval in full leaves, 32 to 48 as they come. Threads: one at a time, or readers only.</para>
/// </remarks>
internal sealed partial class IntervalTree<T>
    where T : class
{
    private IntervalNode _root;

    // The root while it is a leaf: a small tree is asked without a cast, which costs a look-up in generic code.
    private IntervalLeaf<T>? _onlyLeaf;

    /// <summary>An empty tree.</summary>
    internal IntervalTree() => _root = _onlyLeaf = new IntervalLeaf<T>();

    /// <summary>The intervals.</summary>
    internal int Count { get; private set; }

    /// <summary>The lowest interval that has a number of a range.</summary>
    /// <param name="first">The lowest number.</param>
    /// <param name="last">The highest number, inclusive.</param>
    /// <returns>The interval, or null.</returns>
    internal T? FirstIn(ulong first, ulong last)
    {
        if (_onlyLeaf is not { } only)
        {
            return FirstBelow(first, last);
        }

        int index = only.CountFrom(first);
        index -= index != 0 && only.Lasts[index - 1] >= first ? 1 : 0;
        return index < only.Count && only.Firsts[index] <= last ? only.Values[index] : null;
    }

    private T? FirstBelow(ulong first, ulong last)
    {
        IntervalNode node = _root;
        IntervalNode? right = null;
        while (node is IntervalInner inner)
        {
            int index = inner.ChildOf(first);
            if (index + 1 < inner.Count)
            {
                right = inner.Children[index + 1];
            }

            node = inner.Children[index]!;
        }

        var leaf = (IntervalLeaf<T>)node;
        int above = leaf.CountFrom(first);
        if (above != 0 && leaf.Lasts[above - 1] >= first)
        {
            return leaf.Values[above - 1];
        }

        if (above == leaf.Count)
        {
            // It would be the first of the leaf to the right.
            while (right is IntervalInner inner)
            {
                right = inner.Children[0];
            }

            leaf = (IntervalLeaf<T>?)right;
            above = 0;
        }

        return leaf is not null && leaf.Firsts[above] <= last ? leaf.Values[above] : null;
    }

    /// <summary>The lowest interval of all.</summary>
    internal T? FirstOfAll() => FirstIn(0, ulong.MaxValue);

    /// <summary>The lowest interval above a number.</summary>
    internal T? After(ulong last) => last == ulong.MaxValue ? null : FirstIn(last + 1, ulong.MaxValue);

    /// <summary>Finds the lowest hole of a size.</summary>
    /// <param name="span">Where to look; holes count only as far as they lie in it.</param>
    /// <param name="lengthLessOne">The bytes that it must have, less one.</param>
    /// <param name="hole">The hole, cut to the span.</param>
    /// <returns>False when there is none.</returns>
    internal bool TryFindHole(IovaSpan span, ulong lengthLessOne, out IovaSpan hole)
    {
        ulong at = span.First;
        bool ended = false;
        if (Count != 0 && TryFindHole(_root, ref at, ref ended, span.Last, lengthLessOne, out hole))
        {
            return true;
        }

        hole = new IovaSpan(at, span.Last);
        return !ended && at <= span.Last && span.Last - at >= lengthLessOne;
    }

    private static bool TryFindHole(IntervalNode node, ref ulong at, ref bool ended, ulong last, ulong lengthLessOne, out IovaSpan hole)
    {
        var inner = node as IntervalInner;
        for (int i = Math.Max(0, node.CountFrom(at) - 1); i < node.Count; i++)
        {
            if (node.Lasts[i] < at)
            {
                continue;
            }

            ulong first = node.Firsts[i];
            if (first > at)
            {
                hole = new IovaSpan(at, Math.Min(first - 1, last));
                if (hole.LengthLessOne >= lengthLessOne)
                {
                    return true;
                }
            }

            if (first > last)
            {
                ended = true;
                break;
            }

            if (inner is not null && inner.Gaps[i] > lengthLessOne && TryFindHole(inner.Children[i]!, ref at, ref ended, last, lengthLessOne, out hole))
            {
                return true;
            }

            if (ended || node.Lasts[i] >= last)
            {
                ended = true;
                break;
            }

            at = node.Lasts[i] + 1;
        }

        hole = default;
        return false;
    }
}
