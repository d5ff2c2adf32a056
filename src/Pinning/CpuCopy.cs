namespace FastIova;

/// <summary>Bytes of the caller and the direction in which the processor copies them: out of user memory, or into it.</summary>
internal readonly ref struct CpuCopy
{
    private readonly Span<byte> _destination;
    private readonly ReadOnlySpan<byte> _source;

    private CpuCopy(Span<byte> destination, ReadOnlySpan<byte> source)
    {
        _destination = destination;
        _source = source;
    }

    /// <summary>Bytes to copy.</summary>
    internal int Length => _destination.Length + _source.Length;

    /// <summary>What the user memory must allow.</summary>
    internal Permission Access => _source.IsEmpty ? Permission.Read : Permission.Write;

    /// <summary>Copies out of user memory.</summary>
    internal static CpuCopy To(Span<byte> destination) => new(destination, default);

    /// <summary>Copies into user memory.</summary>
    internal static CpuCopy From(ReadOnlySpan<byte> source) => new(default, source);

    /// <summary>A part of it.</summary>
    internal CpuCopy Slice(int start, int length) =>
        _source.IsEmpty ? To(_destination.Slice(start, length)) : From(_source.Slice(start, length));

    /// <summary>Copies at an address of a process.</summary>
    internal bool TryAt(MemorySpace memory, ulong address) =>
        _source.IsEmpty ? memory.TryRead(address, _destination) : memory.TryWrite(address, _source);

    /// <summary>Copies within a frame, or the frames that follow it.</summary>
    internal bool TryAt(Frame frame, int offset) =>
        _source.IsEmpty ? FrameMemory.TryRead(frame, offset, _destination) : FrameMemory.TryWrite(frame, offset, _source);
}
