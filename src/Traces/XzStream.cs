namespace FastIova;

/// <summary>Reads what an xz file holds, one or several streams of it, with their integrity checks.</summary>
/// <remarks>
/// Owns: the compressed stream and a decoder. Damage is an <see cref="InvalidDataException"/>, as with the streams of the
/// runtime, and shows at the latest with the read that would answer 0.
/// Threads: one.
/// </remarks>
internal sealed class XzStream : Stream
{
    private readonly Stream _compressed;
    private readonly LzmaDecoder _decoder;
    private readonly byte[] _input = new byte[64 << 10];
    private int _inputStart;
    private int _inputEnd;
    private bool _inputEnded;
    private bool _ended;

    /// <summary>Begins at the position of the compressed stream.</summary>
    /// <param name="compressed">The xz file; disposed with this stream.</param>
    /// <exception cref="DllNotFoundException">The machine has no liblzma.</exception>
    internal XzStream(Stream compressed)
    {
        _compressed = compressed;
        _decoder = new LzmaDecoder();
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw ForwardOnly();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw ForwardOnly();
        set => throw ForwardOnly();
    }

    /// <summary>The compressed bytes that were decoded so far.</summary>
    internal long CompressedPosition { get; private set; }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || _ended)
        {
            return 0;
        }

        while (true)
        {
            if (_inputStart == _inputEnd && !_inputEnded)
            {
                _inputStart = 0;
                _inputEnd = _compressed.Read(_input);
                _inputEnded = _inputEnd == 0;
            }

            // Without input the library twice answers with no progress and then says so: the loop ends on damaged files too.
            LzmaStatus status = _decoder.Decode(
                _input.AsSpan(_inputStart, _inputEnd - _inputStart),
                buffer,
                _inputEnded ? LzmaAction.Finish : LzmaAction.Run,
                out int consumed,
                out int produced);
            _inputStart += consumed;
            CompressedPosition += consumed;
            if (status == LzmaStatus.StreamEnd)
            {
                _ended = true;
                return produced;
            }

            if (status != LzmaStatus.Ok)
            {
                throw new InvalidDataException(Reason(status));
            }

            if (produced != 0)
            {
                return produced;
            }
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw ForwardOnly();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw ForwardOnly();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw ForwardOnly();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _decoder.Dispose();
            _compressed.Dispose();
        }

        base.Dispose(disposing);
    }

    private static string Reason(LzmaStatus status) => status switch
    {
        LzmaStatus.BufferError => "the xz stream ends in its middle",
        LzmaStatus.FormatError => "what follows is no xz stream",
        LzmaStatus.OptionsError => "an xz header is damaged, or uses options of a newer liblzma",
        LzmaStatus.DataError => "the xz stream is damaged: its integrity check or its structure is wrong",
        LzmaStatus.MemoryLimit => $"the xz stream asks for more than the {LzmaDecoder.MemoryLimit >> 20} MiB that a decoder may use",
        LzmaStatus.MemoryError => "liblzma got no memory for the decoder",
        _ => $"liblzma answers {status} ({(int)status})",
    };

    private static NotSupportedException ForwardOnly() => new("An xz stream is read once, from its start to its end: decompress it to a file first.");
}
