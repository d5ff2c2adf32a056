using System.Buffers.Binary;

namespace FastIova;

/// <content>Carrying a device over: registers and buffer.</content>
public sealed partial class EduModel
{
    private const int Words = 4;
    private const int Longs = 4;

    // Under the lock of the work: whoever sets it knows that no work goes on.
    private bool _isPaused;

    /// <inheritdoc/>
    public int StateBytesLast => (Words * sizeof(uint)) + (Longs * sizeof(ulong)) + BufferBytes;

    /// <inheritdoc/>
    public void Pause()
    {
        lock (_work)
        {
            _isPaused = true;
        }
    }

    /// <inheritdoc/>
    public void Continue()
    {
        lock (_work)
        {
            _isPaused = false;
        }

        _thread!.Wake();
    }

    /// <inheritdoc/>
    public byte[] Save()
    {
        byte[] state = new byte[StateBytesLast];
        lock (_work)
        {
            lock (_gate)
            {
                LookIfMapped();
                Span<byte> rest = state;
                foreach (uint word in (ReadOnlySpan<uint>)[_liveness, _factorial, _status, _interrupts])
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(rest, word);
                    rest = rest[sizeof(uint)..];
                }

                foreach (ulong value in (ReadOnlySpan<ulong>)[_source, _destination, _count, _command])
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(rest, value);
                    rest = rest[sizeof(ulong)..];
                }

                _buffer.CopyTo(rest);
            }
        }

        return state;
    }

    /// <inheritdoc/>
    public bool TryLoad(ReadOnlySpan<byte> state)
    {
        if (state.Length != StateBytesLast)
        {
            return false;
        }

        lock (_work)
        {
            lock (_gate)
            {
                _liveness = BinaryPrimitives.ReadUInt32LittleEndian(state);
                _factorial = BinaryPrimitives.ReadUInt32LittleEndian(state[4..]);
                _status = BinaryPrimitives.ReadUInt32LittleEndian(state[8..]) & (StatusComputing | StatusInterrupt);
                _interrupts = BinaryPrimitives.ReadUInt32LittleEndian(state[12..]);
                _source = BinaryPrimitives.ReadUInt64LittleEndian(state[16..]);
                _destination = BinaryPrimitives.ReadUInt64LittleEndian(state[24..]);
                _count = BinaryPrimitives.ReadUInt64LittleEndian(state[32..]);
                _command = BinaryPrimitives.ReadUInt64LittleEndian(state[40..]);
                state[48..].CopyTo(_buffer);
                _host!.SetIntx(_interrupts != 0);
                ShowIfMapped();
            }
        }

        return true;
    }
}
