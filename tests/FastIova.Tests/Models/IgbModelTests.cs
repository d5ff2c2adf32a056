using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests;

/// <summary>The 82576, by calls and mapped; in Linux its own test drives it, too (tests/kernel-selftest/vfio.sh).</summary>
public sealed class IgbModelTests : IDisposable
{
    private const ulong Sending = DeviceFixture.Base;
    private const ulong Receiving = DeviceFixture.Base + 0x1000;
    private const ulong From = DeviceFixture.Base + 0x2000;
    private const ulong To = DeviceFixture.Base + 0x10000;
    private const ulong Nowhere = 0x9000_0000;
    private const uint Entries = 16;
    private const uint Data = 0x2B30_0000; // advanced, data, reports status, inserts a checksum, ends a packet

    private readonly DeviceFixture _igb = new(new IgbModel());
    private uint _sent;
    private uint _received;
    private bool _isMapped;

    public void Dispose() => _igb.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatItSendsItReceives(bool isMapped)
    {
        Start(isMapped);
        for (int frame = 0; frame < 3 * (int)Entries; frame++)
        {
            byte[] sent = Frame(64 + (frame * 17));
            Assert.Equal(sent, Exchange(sent));
        }

        Assert.Empty(_igb.Faults);
    }

    [Fact]
    public void AShortFrameIsPaddedAndALongOneTakesSeveralBuffers()
    {
        Start(isMapped: false);
        byte[] small = Frame(20);
        Assert.Equal([.. small, .. new byte[40]], Exchange(small));

        byte[] large = Frame(5000);
        large.CopyTo(_igb.At(From, large.Length));
        Buffers(3);
        Descriptor(From, (uint)large.Length | Data);
        Ring();
        DeviceFixture.Await(() => Status(Receiving, _received - 1) == 3, "the last piece");
        int[] pieces = [.. Enumerable.Range(0, 3).Select(i => (int)Length(_received - 3 + (uint)i))];
        Assert.Equal([2048, 2048, 904], pieces);
        Assert.Equal(large, Enumerable.Range(0, 3).SelectMany(i => _igb.At(To + ((ulong)i * 4096), pieces[i]).ToArray()));
    }

    [Fact]
    public void TheChecksumIsThatOfEthernetUnlessItIsStripped()
    {
        Start(isMapped: false);
        _igb.Write32(0x100, _igb.Read32(0x100) & ~(1u << 26));
        byte[] received = Exchange(Frame(100));
        Assert.Equal(104, received.Length);

        // A gzip file ends with the same sum of what is in it, and its length.
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(received.AsSpan(0, 100));
        }

        Assert.Equal(packed.ToArray()[^8..^4], received[100..]);
    }

    [Theory]
    [InlineData(0x78, 1 << 3)]
    [InlineData(0x79, 1 << 4)]
    [InlineData(0xFF, 1 << 15)]
    public void AFilterDecidesWhatIsReceived(byte first, int bit)
    {
        Start(isMapped: false);
        byte[] frame = Frame(64);
        frame.AsSpan(0, 6).Fill(first);
        uint filters = _igb.Read32(0x100);
        _igb.Write32(0x100, filters & ~(uint)bit);
        frame.CopyTo(_igb.At(From, frame.Length));
        Buffers(1);
        Descriptor(From, (uint)frame.Length | Data);
        Ring();
        DeviceFixture.Await(() => Status(Sending, _sent - 1) == 1, "the frame is sent");
        Assert.Equal((0u, 1u), (_igb.Read32(0x2810), _igb.Read32(0x2818)));

        _igb.Write32(0x100, filters);
        Descriptor(From, (uint)frame.Length | Data);
        Ring();
        DeviceFixture.Await(() => Status(Receiving, _received - 1) == 3, "the frame is received");
    }

    [Fact]
    public void CausesGoToTheirVectorsWhenTheyAreUnmasked()
    {
        Start(isMapped: false);
        int vector = _igb.Capability(0x11);
        _igb.SetConfig(vector + 2, 0x8000);
        Unmask(0);
        Unmask(1);
        _igb.Write32(0x1514, (1 << 4) | (1 << 30));
        _igb.Write32(0x152C, 3);
        _igb.Write32(0x1530, 1);
        _igb.Write32(0x1700, 0x8180);
        _igb.Write32(0x1520, 1);
        Assert.Equal(0, _igb.MessagesOf(0));
        _igb.Write32(0x1524, 3);
        Assert.Equal((1, 0u, 2u), (_igb.MessagesOf(0), _igb.Read32(0x1580), _igb.Read32(0x1524)));

        Assert.NotEmpty(Exchange(Frame(64)));
        DeviceFixture.Await(() => _igb.MessagesOf(1) == 1, "the message of what was sent");
        Assert.Equal((1, 1u), (_igb.MessagesOf(0), _igb.Read32(0x1580) & 1));
        _igb.Write32(0x1580, uint.MaxValue);
        _igb.Write32(0x1524, 1);
        Assert.Equal(1, _igb.MessagesOf(0));
    }

    [Fact]
    public void AReadThatIsRefusedStopsItUntilAResetAndAWriteIsLostUnnoticed()
    {
        Start(isMapped: false);
        Buffers(1, Nowhere);
        Descriptor(From, 64 | Data);
        Ring();
        DeviceFixture.Await(() => Status(Receiving, _received - 1) == 3, "the frame is received");
        Assert.Equal(Nowhere, Assert.Single(_igb.Faults).Iova);

        Buffers(1);
        Descriptor(Nowhere, 64 | Data);
        Ring();
        DeviceFixture.Await(() => _igb.Faults.Length == 2, "the read is refused");
        Assert.Equal((Nowhere, Permission.Read), (_igb.Faults[1].Iova, _igb.Faults[1].Wanted));
        Assert.NotEqual(_igb.Read32(0x3810), _igb.Read32(0x3818));

        _igb.Function.Reset();
        _igb.SetConfig(4, 7);
        Start(isMapped: false);
        Assert.Equal(Frame(64), Exchange(Frame(64)));
    }

    private static byte[] Frame(int bytes)
    {
        byte[] frame = new byte[bytes];
        for (int i = 0; i < bytes; i++)
        {
            frame[i] = (byte)(2 + (i * 4));
        }

        return frame;
    }

    private void Write(int register, uint value)
    {
        if (_isMapped)
        {
            Volatile.Write(ref MemoryMarshal.Cast<byte, uint>(_igb.Mapped(0))[register / 4], value);
        }
        else
        {
            _igb.Write32((ulong)register, value);
        }
    }

    private void Start(bool isMapped)
    {
        _sent = _received = 0;
        _isMapped = isMapped;
        if (isMapped)
        {
            _ = _igb.Mapped(0);
        }

        Write(0x20, 0x0420_4140); // loopback, a gigabit, full duplex: register 0 of PHY 1
        DeviceFixture.Await(() => (_igb.Read32(0x20) & (1 << 28)) != 0, "the PHY is ready");
        Write(0x3800, (uint)Sending);
        Write(0x3808, Entries * 16);
        Write(0x3828, 1 << 25);
        Write(0x2800, (uint)Receiving);
        Write(0x2808, Entries * 16);
        Write(0x280C, 1 << 25);
        Write(0x2828, 1 << 25);
        Write(0x100, (1 << 1) | (1 << 3) | (1 << 4) | (1 << 15) | (1 << 26));
        Write(0x400, (1 << 1) | (1 << 3));
        DeviceFixture.Await(() => _igb.Read32(0x400) != 0, "the transmitter is enabled");
    }

    private void Unmask(int vector) => _igb.Write32(((ulong)vector * 16) + 12, 0, bar: 3);

    private void Buffers(uint count, ulong? at = null)
    {
        for (uint i = 0; i < count; i++)
        {
            Span<byte> descriptor = _igb.At(Receiving + (_received % Entries * 16), 16);
            descriptor.Clear();
            BinaryPrimitives.WriteUInt64LittleEndian(descriptor, at ?? (To + (i * 4096)));
            _received++;
        }

        Write(0x2818, _received % Entries);
    }

    private void Descriptor(ulong from, uint command)
    {
        Span<byte> descriptor = _igb.At(Sending + (_sent % Entries * 16), 16);
        descriptor.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(descriptor, from);
        BinaryPrimitives.WriteUInt32LittleEndian(descriptor[8..], command);
        _sent++;
    }

    private void Ring() => Write(0x3818, _sent % Entries);

    private uint Status(ulong ring, uint slot) => BinaryPrimitives.ReadUInt32LittleEndian(_igb.At(ring + (slot % Entries * 16) + (ring == Sending ? 12u : 8u), 4));

    private ushort Length(uint slot) => BinaryPrimitives.ReadUInt16LittleEndian(_igb.At(Receiving + (slot % Entries * 16) + 12, 2));

    private byte[] Exchange(byte[] frame)
    {
        frame.CopyTo(_igb.At(From, frame.Length));
        Buffers(1);
        Descriptor(From, (uint)frame.Length | Data);
        Ring();
        DeviceFixture.Await(() => Status(Receiving, _received - 1) == 3, "the frame is received");
        DeviceFixture.Await(() => Status(Sending, _sent - 1) == 1, "the frame is sent");
        return _igb.At(To, Length(_received - 1)).ToArray();
    }
}
