namespace FastIova;

/// <summary>The memory that the third argument of an ioctl points to: the caller's, or a buffer of this process.</summary>
internal readonly ref struct CallArgument
{
    private readonly Span<byte> _buffer;
    private readonly MemorySpace? _memory;

    /// <summary>An argument that is a pointer or a number.</summary>
    internal CallArgument(MemorySpace memory, ulong value)
    {
        _memory = memory;
        Value = value;
    }

    /// <summary>An argument that is a buffer: everything behind its end is bad memory.</summary>
    internal CallArgument(Span<byte> buffer) => _buffer = buffer;

    /// <summary>The argument itself, where it is a number; zero for a buffer.</summary>
    internal ulong Value { get; }

    /// <summary>Copies from it.</summary>
    /// <returns>False when some byte cannot be read.</returns>
    internal bool TryRead(ulong offset, scoped Span<byte> destination)
    {
        if (_memory is not null)
        {
            return _memory.TryRead(Value + offset, destination);
        }

        return offset <= (ulong)_buffer.Length
            && (ulong)_buffer.Length - offset >= (ulong)destination.Length
            && _buffer.Slice((int)offset, destination.Length).TryCopyTo(destination);
    }

    /// <summary>Copies to it.</summary>
    /// <returns>False when some byte cannot be written.</returns>
    internal bool TryWrite(ulong offset, scoped ReadOnlySpan<byte> source)
    {
        if (_memory is not null)
        {
            return _memory.TryWrite(Value + offset, source);
        }

        return offset <= (ulong)_buffer.Length
            && (ulong)_buffer.Length - offset >= (ulong)source.Length
            && source.TryCopyTo(_buffer[(int)offset..]);
    }
}
