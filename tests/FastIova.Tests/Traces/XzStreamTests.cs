using Xunit;

namespace FastIova.Tests;

public sealed class XzStreamTests
{
    private static byte[] Text { get; } = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i * i >> 7))];

    [Fact]
    public void StreamsThatFollowEachOtherAreOne()
    {
        byte[] image = [.. TraceImage.Xz(Text.AsSpan(0, 70_000)), .. TraceImage.Xz([]), .. TraceImage.Xz(Text.AsSpan(70_000))];
        Assert.Equal(Text, Decoded(image));
    }

    [Fact]
    public void ReadsOfOneByteGiveTheSameBytes()
    {
        using var xz = new XzStream(new MemoryStream(TraceImage.Xz(Text.AsSpan(0, 1000))));
        var bytes = new List<byte>();
        for (int next = xz.ReadByte(); next >= 0; next = xz.ReadByte())
        {
            bytes.Add((byte)next);
        }

        Assert.Equal(Text[..1000], bytes);
        Assert.Equal(-1, xz.ReadByte());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    [InlineData(5000)]
    public void AStreamThatEndsTooEarlyIsDamaged(int length)
    {
        byte[] image = TraceImage.Xz(Text);
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => Decoded(image[..length]));
        Assert.Contains("ends in its middle", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AStreamThatLacksOnlyItsLastByteIsDamaged() =>
        Assert.Throws<InvalidDataException>(() => Decoded(TraceImage.Xz(Text)[..^1]));

    [Fact]
    public void WhatFollowsAStreamHasToBeAStream() =>
        Assert.Throws<InvalidDataException>(() => Decoded([.. TraceImage.Xz(Text), .. "tail"u8]));

    [Fact]
    public void ADisposedStreamIsNotRead()
    {
        var xz = new XzStream(new MemoryStream(TraceImage.Xz(Text)));
        xz.Dispose();
        Assert.Throws<ObjectDisposedException>(() => xz.ReadByte());
    }

    [Fact]
    public void AMachineWithoutLiblzmaIsToldWhichPackageHasIt()
    {
        DllNotFoundException e = LzmaDecoder.MissingLibrary(new DllNotFoundException("cause"));
        Assert.Contains("Debian package liblzma5", e.Message, StringComparison.Ordinal);
        Assert.Equal("cause", e.InnerException?.Message);
    }

    private static byte[] Decoded(byte[] image)
    {
        using var xz = new XzStream(new MemoryStream(image));
        var buffer = new MemoryStream();
        xz.CopyTo(buffer);
        return buffer.ToArray();
    }
}
