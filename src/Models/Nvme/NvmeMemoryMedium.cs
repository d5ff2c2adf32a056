namespace FastIova;

/// <summary>Blocks in memory of this process, zero until they are written.</summary>
/// <remarks>Owns: the memory. Threads: as <see cref="NvmeMedium"/>.</remarks>
internal sealed class NvmeMemoryMedium(ulong bytes) : NvmeMedium
{
    private readonly HostMemory _memory = HostMemory.Allocate(bytes);

    internal override ulong Bytes { get; } = bytes;

    internal override Span<byte> Direct(ulong offset, int length) => _memory.Bytes(offset, length);

    internal override bool Read(ulong offset, Span<byte> buffer)
    {
        _memory.Bytes(offset, buffer.Length).CopyTo(buffer);
        return true;
    }

    internal override bool Write(ulong offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(_memory.Bytes(offset, data.Length));
        return true;
    }

    internal override bool Clear(ulong offset, ulong length)
    {
        _memory.Clear(offset, length);
        return true;
    }

    internal override bool Flush() => true;

    public override void Dispose() => _memory.Dispose();
}
