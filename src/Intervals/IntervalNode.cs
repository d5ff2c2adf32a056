using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>What the nodes of an <see cref="IntervalTree{T}"/> have in common.</summary>
/// <remarks>Threads: the tree's.</remarks>
internal abstract class IntervalNode
{
    /// <summary>Entries of a leaf, children of an inner node. 32 firsts are four cache lines, searched in five steps.</summary>
    internal const int Capacity = 32;

    /// <summary>A node with fewer is merged with a neighbour, if both together leave room for what may come.</summary>
    internal const int Few = Capacity / 4;
    internal const int MergedMost = Capacity * 3 / 4;

    internal Words Firsts;
    internal Words Lasts;
    internal int Count;

    /// <summary>The bytes of the widest hole between two entries below this node; not kept for the root (N3).</summary>
    internal ulong Gap;

    internal ulong First => Firsts[0];

    internal ulong Last => Lasts[Count - 1];

    /// <summary>How many entries begin at or below a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int CountFrom(ulong number)
    {
        ReadOnlySpan<ulong> firsts = Firsts;
        int found = 0;
        if (Count <= Capacity / 8)
        {
            while (found < Count && firsts[found] <= number)
            {
                found++;
            }

            return found;
        }

        for (int step = Capacity / 2; step > 0; step >>= 1)
        {
            // Selected, not branched upon: the outcome is as random as the number.
            int next = found + step;
            found = next <= Count && firsts[next - 1] <= number ? next : found;
        }

        return found < Count && firsts[found] <= number ? found + 1 : found;
    }

    /// <summary>Finds the widest hole anew.</summary>
    internal abstract void Measure();

    /// <summary>Moves entries from an index on into an empty node.</summary>
    internal abstract void MoveTo(IntervalNode to, int from);

    /// <summary>Appends everything of the node to the right.</summary>
    internal abstract void Append(IntervalNode right);

    /// <summary>An empty node of the same kind.</summary>
    internal abstract IntervalNode Another();

    [InlineArray(Capacity)]
    internal struct Words
    {
        private ulong _first;
    }

    [InlineArray(Capacity)]
    internal struct Things<T>
    {
        private T _first;
    }
}

/// <summary>A node that holds entries.</summary>
internal sealed class IntervalLeaf<T> : IntervalNode
    where T : class
{
    internal Things<T?> Values;

    internal override void Measure()
    {
        ReadOnlySpan<ulong> firsts = Firsts;
        ReadOnlySpan<ulong> lasts = Lasts;
        ulong gap = 0;
        for (int i = 1; i < Count; i++)
        {
            gap = Math.Max(gap, firsts[i] - lasts[i - 1] - 1);
        }

        Gap = gap;
    }

    internal override void MoveTo(IntervalNode to, int from)
    {
        var other = (IntervalLeaf<T>)to;
        int moved = Count - from;
        ((Span<ulong>)Firsts).Slice(from, moved).CopyTo(other.Firsts);
        ((Span<ulong>)Lasts).Slice(from, moved).CopyTo(other.Lasts);
        Span<T?> values = Values;
        values.Slice(from, moved).CopyTo(other.Values);
        values.Slice(from, moved).Clear();
        other.Count = moved;
        Count = from;
    }

    internal override void Append(IntervalNode right)
    {
        var other = (IntervalLeaf<T>)right;
        ((Span<ulong>)other.Firsts)[..other.Count].CopyTo(((Span<ulong>)Firsts)[Count..]);
        ((Span<ulong>)other.Lasts)[..other.Count].CopyTo(((Span<ulong>)Lasts)[Count..]);
        ((Span<T?>)other.Values)[..other.Count].CopyTo(((Span<T?>)Values)[Count..]);
        Count += other.Count;
    }

    internal override IntervalNode Another() => new IntervalLeaf<T>();

    internal void InsertAt(int index, ulong first, ulong last, T value)
    {
        Span<ulong> firsts = Firsts;
        Span<ulong> lasts = Lasts;
        Span<T?> values = Values;
        int above = Count - index;
        if (above != 0)
        {
            firsts.Slice(index, above).CopyTo(firsts[(index + 1)..]);
            lasts.Slice(index, above).CopyTo(lasts[(index + 1)..]);
            values.Slice(index, above).CopyTo(values[(index + 1)..]);
        }

        firsts[index] = first;
        lasts[index] = last;
        values[index] = value;
        Count++;
    }

    internal void RemoveAt(int index)
    {
        Span<ulong> firsts = Firsts;
        Span<ulong> lasts = Lasts;
        Span<T?> values = Values;
        int above = Count - index - 1;
        if (above != 0)
        {
            firsts.Slice(index + 1, above).CopyTo(firsts[index..]);
            lasts.Slice(index + 1, above).CopyTo(lasts[index..]);
            values.Slice(index + 1, above).CopyTo(values[index..]);
        }

        values[--Count] = null;
    }
}

/// <summary>A node that holds nodes, and of each the first, the last and the widest hole.</summary>
internal sealed class IntervalInner : IntervalNode
{
    internal Words Gaps;
    internal Things<IntervalNode?> Children;

    internal override void Measure()
    {
        ReadOnlySpan<ulong> firsts = Firsts;
        ReadOnlySpan<ulong> lasts = Lasts;
        ReadOnlySpan<ulong> gaps = Gaps;
        ulong gap = gaps[0];
        for (int i = 1; i < Count; i++)
        {
            gap = Math.Max(gap, Math.Max(gaps[i], firsts[i] - lasts[i - 1] - 1));
        }

        Gap = gap;
    }

    internal override void MoveTo(IntervalNode to, int from)
    {
        var other = (IntervalInner)to;
        int moved = Count - from;
        ((Span<ulong>)Firsts).Slice(from, moved).CopyTo(other.Firsts);
        ((Span<ulong>)Lasts).Slice(from, moved).CopyTo(other.Lasts);
        ((Span<ulong>)Gaps).Slice(from, moved).CopyTo(other.Gaps);
        Span<IntervalNode?> children = Children;
        children.Slice(from, moved).CopyTo(other.Children);
        children.Slice(from, moved).Clear();
        other.Count = moved;
        Count = from;
    }

    internal override void Append(IntervalNode right)
    {
        var other = (IntervalInner)right;
        ((Span<ulong>)other.Firsts)[..other.Count].CopyTo(((Span<ulong>)Firsts)[Count..]);
        ((Span<ulong>)other.Lasts)[..other.Count].CopyTo(((Span<ulong>)Lasts)[Count..]);
        ((Span<ulong>)other.Gaps)[..other.Count].CopyTo(((Span<ulong>)Gaps)[Count..]);
        ((Span<IntervalNode?>)other.Children)[..other.Count].CopyTo(((Span<IntervalNode?>)Children)[Count..]);
        Count += other.Count;
    }

    internal override IntervalNode Another() => new IntervalInner();

    /// <summary>Which child a number belongs to: the last that begins at or below it, or the first of all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int ChildOf(ulong number) => Math.Max(0, CountFrom(number) - 1);

    /// <summary>Copies what a child says of itself.</summary>
    internal void Refresh(int index)
    {
        IntervalNode child = Children[index]!;
        Firsts[index] = child.First;
        Lasts[index] = child.Last;
        Gaps[index] = child.Gap;
    }

    internal void InsertAt(int index, IntervalNode child)
    {
        int above = Count - index;
        Span<ulong> firsts = Firsts;
        Span<ulong> lasts = Lasts;
        Span<ulong> gaps = Gaps;
        Span<IntervalNode?> children = Children;
        firsts.Slice(index, above).CopyTo(firsts[(index + 1)..]);
        lasts.Slice(index, above).CopyTo(lasts[(index + 1)..]);
        gaps.Slice(index, above).CopyTo(gaps[(index + 1)..]);
        children.Slice(index, above).CopyTo(children[(index + 1)..]);
        children[index] = child;
        Count++;
        Refresh(index);
    }

    internal void RemoveAt(int index)
    {
        int above = Count - index - 1;
        Span<ulong> firsts = Firsts;
        Span<ulong> lasts = Lasts;
        Span<ulong> gaps = Gaps;
        Span<IntervalNode?> children = Children;
        firsts.Slice(index + 1, above).CopyTo(firsts[index..]);
        lasts.Slice(index + 1, above).CopyTo(lasts[index..]);
        gaps.Slice(index + 1, above).CopyTo(gaps[index..]);
        children.Slice(index + 1, above).CopyTo(children[index..]);
        children[--Count] = null;
    }
}
