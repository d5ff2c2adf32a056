namespace FastIova.Cli;

/// <summary>A range to be mapped.</summary>
/// <param name="Iova">The start, a multiple of a page.</param>
/// <param name="Host">The host address of the start, a multiple of a page, not 0.</param>
/// <param name="Bytes">A multiple of a page, not 0.</param>
/// <param name="Permission">What a device may do there.</param>
internal readonly record struct Mapping(ulong Iova, ulong Host, ulong Bytes, Permission Permission)
{
    /// <summary>Whether a comparator may take it: aligned, not empty, without wrapping, host pages that are not page 0.</summary>
    internal bool IsValid =>
        ((Iova | Host | Bytes) & (IComparator.PageBytes - 1)) == 0
        && Bytes != 0
        && Iova + (Bytes - 1) >= Iova
        && Host != 0
        && Host + (Bytes - 1) >= Host
        && Permission is > Permission.None and <= Permission.ReadWrite;

    /// <summary>The last address, inclusive.</summary>
    internal ulong Last => Iova + (Bytes - 1);

    /// <summary>The span to unmap, when it is aligned, not empty, and does not wrap.</summary>
    /// <param name="iova">The start.</param>
    /// <param name="bytes">The length.</param>
    /// <param name="span">The span, or the default.</param>
    /// <returns>False when it is not so.</returns>
    internal static bool TrySpan(ulong iova, ulong bytes, out IovaSpan span)
    {
        span = default;
        return ((iova | bytes) & (IComparator.PageBytes - 1)) == 0 && IovaSpan.TryCreate(iova, bytes, out span);
    }
}
