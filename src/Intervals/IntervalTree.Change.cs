namespace FastIova;

/// <content>How the tree grows and shrinks.</content>
internal sealed partial class IntervalTree<T>
{
    /// <summary>Adds an interval that overlaps none.</summary>
    /// <param name="first">The lowest number.</param>
    /// <param name="last">The highest number, inclusive.</param>
    /// <param name="interval">What has these numbers.</param>
    internal void Insert(ulong first, ulong last, T interval)
    {
        Count++;
        if (_onlyLeaf is { Count: < IntervalNode.Capacity } leaf)
        {
            leaf.InsertAt(leaf.CountFrom(first), first, last, interval);
            return;
        }

        if (Insert(_root, first, last, interval, isRoot: true) is { } right)
        {
            var root = new IntervalInner();
            _root.Measure();
            root.InsertAt(0, _root);
            root.InsertAt(1, right);
            _root = root;
            _onlyLeaf = null;
        }
    }

    /// <summary>Takes an interval out. Never fails, never allocates (N5).</summary>
    /// <param name="first">The lowest number of an interval in the tree.</param>
    internal void Remove(ulong first)
    {
        Count--;
        if (_onlyLeaf is { } leaf)
        {
            leaf.RemoveAt(leaf.CountFrom(first) - 1);
            return;
        }

        Remove(_root, first, isRoot: true);
        while (_root is IntervalInner { Count: 1 } inner)
        {
            _root = inner.Children[0]!;
        }

        _onlyLeaf = _root as IntervalLeaf<T>;
    }

    /// <summary>Adds below a node.</summary>
    /// <returns>The node that was split off to the right, if there was no room.</returns>
    private static IntervalNode? Insert(IntervalNode node, ulong first, ulong last, T interval, bool isRoot)
    {
        IntervalNode? right = null;
        if (node is IntervalLeaf<T> leaf)
        {
            int index = leaf.CountFrom(first);
            if (leaf.Count == IntervalNode.Capacity)
            {
                right = Split(leaf, index);
                if (index > leaf.Count || (index == leaf.Count && right.Count == 0))
                {
                    index -= leaf.Count;
                    leaf = (IntervalLeaf<T>)right;
                }
            }

            bool splitsWidest = index == 0 || index == leaf.Count || leaf.Firsts[index] - leaf.Lasts[index - 1] - 1 == leaf.Gap;
            leaf.InsertAt(index, first, last, interval);
            if (right is not null)
            {
                node.Measure();
                right.Measure();
            }
            else if (splitsWidest && !isRoot)
            {
                leaf.Measure();
            }

            return right;
        }

        var inner = (IntervalInner)node;
        int child = inner.ChildOf(first);
        IntervalNode? added = Insert(inner.Children[child]!, first, last, interval, isRoot: false);
        inner.Refresh(child);
        if (added is not null)
        {
            int index = child + 1;
            IntervalInner into = inner;
            if (inner.Count == IntervalNode.Capacity)
            {
                right = Split(inner, index);
                if (index > inner.Count || (index == inner.Count && right.Count == 0))
                {
                    index -= inner.Count;
                    into = (IntervalInner)right;
                }
            }

            into.InsertAt(index, added);
            right?.Measure();
        }

        if (!isRoot || right is not null)
        {
            inner.Measure();
        }

        return right;
    }

    /// <summary>Makes room at an index: in the middle, or at the end when that is where the tree grows, so that ascending intervals fill their nodes.</summary>
    private static IntervalNode Split(IntervalNode node, int index)
    {
        IntervalNode right = node.Another();
        node.MoveTo(right, index == node.Count ? node.Count : node.Count / 2);
        return right;
    }

    private static void Remove(IntervalNode node, ulong first, bool isRoot)
    {
        if (node is IntervalLeaf<T> leaf)
        {
            int index = leaf.CountFrom(first) - 1;
            leaf.RemoveAt(index);
            if (!isRoot)
            {
                leaf.Measure();
            }

            return;
        }

        var inner = (IntervalInner)node;
        int child = inner.ChildOf(first);
        IntervalNode below = inner.Children[child]!;
        Remove(below, first, isRoot: false);
        if (below.Count == 0)
        {
            inner.RemoveAt(child);
        }
        else
        {
            inner.Refresh(child);
            if (below.Count < IntervalNode.Few)
            {
                Merge(inner, child);
            }
        }

        if (!isRoot && inner.Count != 0)
        {
            inner.Measure();
        }
    }

    private static void Merge(IntervalInner inner, int child)
    {
        int left = child > 0 && Fits(inner, child - 1) ? child - 1 : child;
        if (left + 1 < inner.Count && Fits(inner, left))
        {
            IntervalNode into = inner.Children[left]!;
            into.Append(inner.Children[left + 1]!);
            into.Measure();
            inner.RemoveAt(left + 1);
            inner.Refresh(left);
        }
    }

    private static bool Fits(IntervalInner inner, int left) =>
        left + 1 < inner.Count && inner.Children[left]!.Count + inner.Children[left + 1]!.Count <= IntervalNode.MergedMost;
}
