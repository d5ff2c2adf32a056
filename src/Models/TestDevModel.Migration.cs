using System.Buffers.Binary;

namespace FastIova;

/// <content>Carrying a device over: which test runs, and the counts. It does no DMA, so that there is nothing to stop.</content>
public sealed partial class TestDevModel
{
    /// <inheritdoc/>
    public int StateBytesLast => (1 + Tests) * sizeof(int);

    /// <inheritdoc/>
    public void Pause()
    {
    }

    /// <inheritdoc/>
    public void Continue()
    {
    }

    /// <inheritdoc/>
    public byte[] Save()
    {
        byte[] state = new byte[StateBytesLast];
        lock (_gate)
        {
            LookIfMapped();
            BinaryPrimitives.WriteInt32LittleEndian(state, _current);
            for (int test = 0; test < Tests; test++)
            {
                _headers[test].AsSpan(CountAt, sizeof(int)).CopyTo(state.AsSpan((1 + test) * sizeof(int)));
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

        int current = BinaryPrimitives.ReadInt32LittleEndian(state);
        if (current is < None or >= Tests)
        {
            return false;
        }

        lock (_gate)
        {
            _current = current;
            for (int test = 0; test < Tests; test++)
            {
                state.Slice((1 + test) * sizeof(int), sizeof(int)).CopyTo(_headers[test].AsSpan(CountAt));
            }

            ShowIfMapped();
        }

        return true;
    }
}
