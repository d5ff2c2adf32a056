namespace FastIova;

/// <summary>A dma-buf of the test backend: memory of the engine, in one piece.</summary>
/// <remarks>Owns: the memory. Threads: any.</remarks>
internal sealed class MockDmaBuf : DmaBuf
{
    /// <summary>The longest.</summary>
    internal const ulong LengthMost = 512 * Frame.PageBytes;

    private readonly HostMemory _memory;

    private MockDmaBuf(HostMemory memory, ulong length)
    {
        _memory = memory;
        Length = length;
    }

    /// <inheritdoc/>
    internal override ulong Length { get; }

    /// <inheritdoc/>
    internal override Frame Start => Frame.OfHost(_memory.Address);

    /// <summary>Makes one.</summary>
    /// <param name="length">Bytes, a multiple of 4 KiB, at most <see cref="LengthMost"/>.</param>
    /// <returns>Null when there is no memory.</returns>
    internal static MockDmaBuf? TryCreate(ulong length)
    {
        try
        {
            // A kernel aligns such memory to its size. So much address space begins at a large page; the rest is never touched.
            return new MockDmaBuf(HostMemory.Allocate(LengthMost), length);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    protected override void Free() => _memory.Dispose();
}
