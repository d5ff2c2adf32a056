namespace FastIova;

/// <summary>Ranges of a BAR as a dma-buf: other devices reach the memory of this one through it, while the device lets them.</summary>
/// <remarks>
/// <para>Owns: nothing; the memory is the function's, which outlives every file. Invariant: while it has the device, the model looks at
/// the BAR, as for a driver that has it mapped.</para>
/// <para>Threads: any. <see cref="DmaBuf.Revoke"/> comes from <see cref="VfioDmaBufs"/> alone.</para>
/// </remarks>
internal sealed class VfioDmaBuf : DmaBuf
{
    private readonly VfioDmaBufs _exported;
    private readonly bool _isOnePiece;

    internal VfioDmaBuf(VfioDmaBufs exported, int bar, ulong memory, ReadOnlySpan<VfioDmaRange> ranges)
    {
        _exported = exported;
        _isOnePiece = ranges.Length == 1;
        Bar = bar;
        Start = Frame.OfHost(memory + ranges[0].Offset);
        foreach (VfioDmaRange range in ranges)
        {
            Length += range.Length;
        }
    }

    /// <summary>The BAR.</summary>
    internal int Bar { get; }

    /// <inheritdoc/>
    internal override ulong Length { get; }

    /// <inheritdoc/>
    internal override Frame Start { get; }

    /// <inheritdoc/>
    internal override bool IsOnePiece => _isOnePiece;

    /// <summary>Whether it is revoked, as the list of the device knows it.</summary>
    internal bool IsRevoked { get; set; }

    /// <inheritdoc/>
    protected override void Free() => _exported.Forget(this);
}
