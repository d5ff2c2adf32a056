using System.Numerics;

namespace FastIova;

/// <content>Which iova a mapping gets: the lowest hole that fits.</content>
internal sealed partial class Ioas
{
    private const ulong LargestAlignment = 2UL << 20;

    /// <summary>Finds the lowest iova for a mapping, aligned as its memory is, so that large pages fit. The lock is held.</summary>
    private IoasStatus Allocate(ulong userAddress, ulong length, out ulong iova)
    {
        iova = 0;
        if (length is 0 or >= ulong.MaxValue / 2)
        {
            return IoasStatus.Overflow;
        }

        ulong alignment = BitOperations.RoundUpToPowerOf2(length);
        alignment = userAddress == 0 ? alignment : Math.Min(alignment, userAddress & (0 - userAddress));
        alignment = Math.Min(alignment, LargestAlignment);
        if (alignment < _alignment)
        {
            return IoasStatus.Invalid;
        }

        var fit = new Fit(length - 1, alignment, userAddress & (Frame.PageBytes - 1));
        var everywhere = new IovaSpan(Edge, ulong.MaxValue - Edge);
        if (_allowed.IsEmpty)
        {
            return AllocateIn(everywhere, fit, out iova) ? IoasStatus.Success : IoasStatus.NoSpace;
        }

        foreach (IovaSpan span in _allowed.Spans)
        {
            ulong first = Math.Max(span.First, everywhere.First);
            ulong last = Math.Min(span.Last, everywhere.Last);
            if (first <= last && AllocateIn(new IovaSpan(first, last), fit, out iova))
            {
                return IoasStatus.Success;
            }
        }

        return IoasStatus.NoSpace;
    }

    private bool AllocateIn(IovaSpan allowed, Fit fit, out ulong iova)
    {
        // The search begins where the first mapping in the span could.
        bool more = fit.TryPlace(allowed, out iova);
        ulong at = iova;
        while (more && _areas.TryFindHole(new IovaSpan(at, allowed.Last), fit.LengthLessOne, out IovaSpan hole))
        {
            if (TryPlaceUnreserved(hole, fit, out iova))
            {
                return true;
            }

            more = hole.Last < allowed.Last;
            at = hole.Last + 1;
        }

        return false;
    }

    private bool TryPlaceUnreserved(IovaSpan hole, Fit fit, out ulong iova)
    {
        iova = 0;
        while (_reserved.TryFirstHole(hole, out IovaSpan free))
        {
            if (fit.TryPlace(free, out iova))
            {
                return true;
            }

            if (free.Last >= hole.Last)
            {
                break;
            }

            hole = new IovaSpan(free.Last + 1, hole.Last);
        }

        return false;
    }

    /// <summary>What a mapping asks of a hole.</summary>
    /// <param name="LengthLessOne">Its bytes, less one.</param>
    /// <param name="Alignment">A power of two.</param>
    /// <param name="PageOffset">Where its memory begins in a page.</param>
    private readonly record struct Fit(ulong LengthLessOne, ulong Alignment, ulong PageOffset)
    {
        internal bool TryPlace(IovaSpan hole, out ulong iova)
        {
            iova = hole.First + (Alignment - 1);
            if (iova < hole.First)
            {
                return false;
            }

            // The offset is put in, not added: a hole that begins inside a page may so give an iova with further low bits.
            iova = (iova & ~(Alignment - 1)) | PageOffset;
            return iova < hole.Last && hole.Last - iova >= LengthLessOne;
        }
    }
}
