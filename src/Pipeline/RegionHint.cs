using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>The last region that a look-up hit: a run of IOVAs that is contiguous in host memory and has one permission. Empty by default.</summary>
internal struct RegionHint
{
    private ulong _first;
    private ulong _bytes;
    private ulong _addend;
    private Permission _denies;

    /// <param name="first">The first address.</param>
    /// <param name="bytes">The bytes in the region, at least one.</param>
    /// <param name="addend">Host address less IOVA.</param>
    /// <param name="permission">What every address of the region allows.</param>
    internal RegionHint(ulong first, ulong bytes, ulong addend, Permission permission)
    {
        _first = first;
        _bytes = bytes;
        _addend = addend;
        _denies = Permission.ReadWrite & ~permission;
    }

    /// <summary>Answers if the address lies in the region.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly bool TryHit(ulong iova, Permission access, out nuint host)
    {
        host = (nuint)(iova + _addend);
        return iova - _first < _bytes && (access & _denies) == Permission.None;
    }

    /// <summary>Forgets the region if it shares an address with a span.</summary>
    internal void Drop(IovaSpan span)
    {
        if (_bytes != 0 && span.Overlaps(new IovaSpan(_first, _first + _bytes - 1)))
        {
            _bytes = 0;
        }
    }
}
