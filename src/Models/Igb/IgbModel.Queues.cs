using System.Buffers.Binary;

namespace FastIova;

/// <content>The queues: what is sent, and comes back (82576 datasheet, chapter 7).</content>
public sealed partial class IgbModel
{
    private const int DescriptorBytes = 16;
    private const int FrameBytesLast = 9728;
    private const int ShortestFrame = 60;
    private const int ChecksumBytes = 4;
    private const int FramesOfTurn = 64;

    private readonly byte[] _frame = new byte[FrameBytesLast + ChecksumBytes];
    private int _frameBytes;
    private bool _isStuck;

    private bool Loops => (_phy[0] & IgbRegister.PhyLoopback) != 0 || IgbRegister.IsLoopback(this[IgbRegister.Receive]);

    private void StopQueues()
    {
        _frameBytes = 0;
        _isStuck = false;
    }

    private bool Move()
    {
        bool any = false;
        for (int i = 0; i < FramesOfTurn && Sends(); i++)
        {
            any = true;
            Send();
        }

        if (any)
        {
            ShowIfMapped();
        }

        return any;
    }

    private bool Sends() => !_isStuck && _host!.IsBusMaster
        && (this[IgbRegister.Transmit] & IgbRegister.Enable) != 0 && (this[IgbRegister.TransmitQueue] & IgbRegister.QueueEnable) != 0
        && Entries(IgbRegister.TransmitBytes) > 1 && this[IgbRegister.TransmitTail] < Entries(IgbRegister.TransmitBytes)
        && this[IgbRegister.TransmitHead] < Entries(IgbRegister.TransmitBytes)
        && this[IgbRegister.TransmitHead] != this[IgbRegister.TransmitTail];

    private void Send()
    {
        Span<byte> descriptor = stackalloc byte[DescriptorBytes];
        ulong at = Place(IgbRegister.TransmitBase, this[IgbRegister.TransmitHead]);
        if (!_dma!.Read(at, descriptor))
        {
            _isStuck = true;
            return;
        }

        uint command = BinaryPrimitives.ReadUInt32LittleEndian(descriptor[8..]);
        bool isContext = (command & IgbRegister.IsAdvanced) != 0 && (command & IgbRegister.KindOfAdvanced) == IgbRegister.KindContext;
        if (!isContext && !Gather(BinaryPrimitives.ReadUInt64LittleEndian(descriptor), (int)(command & 0xFFFF)))
        {
            _isStuck = true;
            return;
        }

        if (!isContext && (command & IgbRegister.EndOfPacket) != 0)
        {
            Finish(hasChecksum: (command & IgbRegister.InsertChecksum) != 0);
        }

        this[IgbRegister.TransmitHead] = (this[IgbRegister.TransmitHead] + 1) % Entries(IgbRegister.TransmitBytes);
        if ((command & IgbRegister.ReportStatus) != 0)
        {
            descriptor.Clear();
            descriptor[12] = 1; // done
            _ = _dma.Write(at, descriptor);
            Raise(1);
        }
    }

    // What does not fit is a frame that no network would carry: its end is lost, and the frame with it.
    private bool Gather(ulong iova, int bytes)
    {
        int kept = Math.Clamp(FrameBytesLast - _frameBytes, 0, bytes);
        if (!_dma!.Read(iova, _frame.AsSpan(Math.Min(_frameBytes, FrameBytesLast), kept)))
        {
            return false;
        }

        _frameBytes = Math.Min(_frameBytes + bytes, FrameBytesLast + 1);
        return true;
    }

    private void Finish(bool hasChecksum)
    {
        int bytes = _frameBytes;
        _frameBytes = 0;
        if (bytes > FrameBytesLast)
        {
            return;
        }

        if (bytes < ShortestFrame && (this[IgbRegister.Transmit] & IgbRegister.PadShort) != 0)
        {
            _frame.AsSpan(bytes, ShortestFrame - bytes).Clear();
            bytes = ShortestFrame;
        }

        if (hasChecksum)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_frame.AsSpan(bytes), Checksum(_frame.AsSpan(0, bytes)));
            bytes += ChecksumBytes;
        }

        // A frame without a right checksum is a broken one, which nobody receives.
        if (hasChecksum && Loops && Accepts(_frame))
        {
            Receive(_frame.AsSpan(0, (this[IgbRegister.Receive] & IgbRegister.StripChecksum) != 0 ? bytes - ChecksumBytes : bytes));
        }
    }

    private bool Accepts(ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<byte> everybody = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        Span<byte> own = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(own, this[IgbRegister.AddressLow]);
        BinaryPrimitives.WriteUInt32LittleEndian(own[4..], this[IgbRegister.AddressHigh]);
        uint wanted = this[IgbRegister.Receive];
        return frame.StartsWith(everybody) ? (wanted & IgbRegister.BroadcastAccept) != 0
            : (frame[0] & 1) != 0 ? (wanted & IgbRegister.MulticastAll) != 0
            : (wanted & IgbRegister.UnicastAll) != 0 || ((this[IgbRegister.AddressHigh] & IgbRegister.AddressValid) != 0 && frame.StartsWith(own[..6]));
    }

    // Without a buffer the frame is lost.
    private void Receive(ReadOnlySpan<byte> frame)
    {
        uint entries = Entries(IgbRegister.ReceiveBytes);
        if ((this[IgbRegister.Receive] & IgbRegister.Enable) == 0 || (this[IgbRegister.ReceiveQueue] & IgbRegister.QueueEnable) == 0 || entries < 2)
        {
            return;
        }

        int room = IgbRegister.BufferBytes(this[IgbRegister.ReceiveSplit], this[IgbRegister.Receive]);
        Span<byte> descriptor = stackalloc byte[DescriptorBytes];
        while (!frame.IsEmpty)
        {
            uint head = this[IgbRegister.ReceiveHead];
            if (head >= entries || head == this[IgbRegister.ReceiveTail])
            {
                return;
            }

            ulong at = Place(IgbRegister.ReceiveBase, head);
            if (!_dma!.Read(at, descriptor))
            {
                _isStuck = true;
                return;
            }

            ReadOnlySpan<byte> piece = frame[..Math.Min(room, frame.Length)];
            frame = frame[piece.Length..];
            _ = _dma.Write(BinaryPrimitives.ReadUInt64LittleEndian(descriptor), piece);
            WriteBack(at, descriptor, piece.Length, isLast: frame.IsEmpty);
            this[IgbRegister.ReceiveHead] = (head + 1) % entries;
        }

        Raise(0);
    }

    // The half with the status comes second: a driver that sees it finds the rest.
    private void WriteBack(ulong at, Span<byte> descriptor, int bytes, bool isLast)
    {
        byte status = (byte)(isLast ? 3 : 1); // done, end of packet
        Span<byte> behind = descriptor[8..];
        if (IgbRegister.WritesAdvanced(this[IgbRegister.ReceiveSplit]))
        {
            descriptor.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(behind, status);
            BinaryPrimitives.WriteUInt16LittleEndian(behind[4..], (ushort)bytes);
        }
        else
        {
            behind.Clear();
            BinaryPrimitives.WriteUInt16LittleEndian(behind, (ushort)bytes);
            behind[4] = status;
        }

        _ = _dma!.Write(at, descriptor[..8]);
        Fence.Writes();
        _ = _dma.Write(at + 8, behind);
    }

    private uint Entries(int register) => this[register] / DescriptorBytes;

    private ulong Place(int register, uint entry) => (((ulong)this[register + 4] << 32) | (this[register] & ~127u)) + (entry * (ulong)DescriptorBytes);

    // The one of Ethernet (IEEE 802.3, clause 3.2.9).
    private static uint Checksum(ReadOnlySpan<byte> frame)
    {
        uint sum = ~0u;
        foreach (byte one in frame)
        {
            sum ^= one;
            for (int bit = 0; bit < 8; bit++)
            {
                sum = (sum >> 1) ^ (0xEDB88320 & (uint)-(int)(sum & 1));
            }
        }

        return ~sum;
    }
}
