using System.Buffers.Binary;

namespace FastIova.KernelTraces;

/// <summary>The struct of one call, in memory before and after it.</summary>
internal readonly ref struct StructImage
{
    private const int BytesMost = 256;
    private const int GuardedBytes = 512;
    private const int HeaderBytes = 4;

    private readonly TraceLine _line;
    private readonly Span<byte> _now;
    private readonly byte[] _before;

    private StructImage(TraceLine line, ulong address, ulong argument, int bytes)
    {
        _line = line;
        Address = address;
        Argument = argument;
        _now = UserMemory.Bytes(address, bytes);
        _before = new byte[bytes];
    }

    /// <summary>Where the struct lies.</summary>
    internal ulong Address { get; }

    /// <summary>The pointer that the call gets.</summary>
    internal ulong Argument { get; }

    /// <summary>Lays out the struct of a line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="values">Its fields, with real file descriptors.</param>
    internal static StructImage Lay(TraceLine line, ReadOnlySpan<ulong> values)
    {
        TraceOp op = line.Op;
        int bytes = (int)Math.Min(Math.Max(line.StructSize, (ulong)op.StructBytes), BytesMost);
        ulong address = UserMemory.Structs;
        if (line.PointerMode == 3)
        {
            // The first half, in words, ends where the mapping ends.
            bytes = ((bytes / 2) + 7) & ~7;
            address = UserMemory.Structs + UserMemory.StructsBytes - (ulong)bytes;
        }

        UserMemory.Bytes(UserMemory.Structs, (int)UserMemory.StructsBytes).Fill(UserMemory.StructFill);
        var image = new StructImage(line, address, line.PointerMode switch { 1 => 0, 2 => UserMemory.Nowhere, _ => address }, bytes);
        Span<byte> content = stackalloc byte[GuardedBytes];
        Compose(line, values, content);
        content[..bytes].CopyTo(image._now);
        content[..bytes].CopyTo(image._before);
        return image;
    }

    /// <summary>Writes what the call changed in the struct, and what it answered without changing it.</summary>
    /// <param name="result">What the call returned.</param>
    /// <param name="values">Receives the fields after the call.</param>
    /// <param name="answer">Where it is written.</param>
    /// <param name="adopt">Gives the file descriptor of an output its logical number.</param>
    internal void Compare(long result, Span<ulong> values, TraceAnswer answer, Func<int, uint> adopt)
    {
        Span<bool> known = stackalloc bool[BytesMost];
        known.Clear();
        if (_line.Op.Call == CallKind.Ioctl)
        {
            for (int i = 0; i < values.Length; i++)
            {
                TraceField field = _line.Op.Fields[i];
                if (field.Offset + field.Bytes <= _now.Length)
                {
                    known.Slice(field.Offset, field.Bytes).Fill(true);
                    values[i] = CompareField(field, result, answer, adopt);
                }
            }
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(_now) != BinaryPrimitives.ReadUInt32LittleEndian(_before))
        {
            answer.Add("size_out", TraceNumber.Print(FieldKind.Id, BinaryPrimitives.ReadUInt32LittleEndian(_now)));
        }

        CompareRest(known, answer);
    }

    private static void Compose(TraceLine line, ReadOnlySpan<ulong> values, Span<byte> content)
    {
        TraceOp op = line.Op;
        content.Clear();
        Store(content, 0, HeaderBytes, line.StructSize);
        if (op.Call == CallKind.Ioctl)
        {
            if (op.TestOp != 0)
            {
                Store(content, HeaderBytes, HeaderBytes, op.TestOp);
            }

            for (int i = 0; i < values.Length; i++)
            {
                Store(content, op.Fields[i].Offset, op.Fields[i].Bytes, values[i]);
            }
        }

        if (line.StructSize > (ulong)op.StructBytes && line.StructSize <= BytesMost)
        {
            content[(int)line.StructSize - 1] = line.Tail;
        }
        else if (line.StructSize < (ulong)op.StructBytes && line.StructSize >= HeaderBytes)
        {
            content[(int)line.StructSize..].Fill(UserMemory.StructFill);
        }
    }

    private ulong CompareField(TraceField field, long result, TraceAnswer answer, Func<int, uint> adopt)
    {
        ulong before = Load(_before, field.Offset, field.Bytes);
        ulong now = Load(_now, field.Offset, field.Bytes);
        bool isWritten = before != now;
        bool isAnswer = field.IsOut && result >= 0;
        bool isPastTheSize = (ulong)(field.Offset + field.Bytes) > _line.StructSize;
        if (!field.IsWritten || (!isWritten && (!isAnswer || isPastTheSize)))
        {
            return now;
        }

        if (field.Kind == FieldKind.File && isAnswer)
        {
            now = adopt((int)now);
        }

        answer.AddField(field, field.Shown(now, _line));
        return now;
    }

    // Nothing but the declared outputs changes; the capabilities behind the VFIO information are shown by themselves.
    private void CompareRest(ReadOnlySpan<bool> known, TraceAnswer answer)
    {
        int shownBytes = _line.Op.Payload == Payloads.VfioInfo ? _line.Op.StructBytes : _now.Length;
        for (int i = HeaderBytes; i < shownBytes && i < _now.Length; i++)
        {
            if (!known[i] && _now[i] != _before[i])
            {
                answer.AddByte("XTRA", i, _now[i]);
            }
        }

        if (Address == UserMemory.Structs)
        {
            ReadOnlySpan<byte> guarded = UserMemory.Bytes(Address, GuardedBytes);
            for (int i = _now.Length; i < GuardedBytes; i++)
            {
                if (guarded[i] != UserMemory.StructFill)
                {
                    answer.AddByte("OVERRUN", i, guarded[i]);
                }
            }
        }
    }

    private static void Store(Span<byte> content, int offset, int bytes, ulong value)
    {
        for (int i = 0; i < bytes; i++)
        {
            content[offset + i] = (byte)(value >> (8 * i));
        }
    }

    private static ulong Load(ReadOnlySpan<byte> content, int offset, int bytes)
    {
        ulong value = 0;
        for (int i = 0; i < bytes; i++)
        {
            value |= (ulong)content[offset + i] << (8 * i);
        }

        return value;
    }
}
