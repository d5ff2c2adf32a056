using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class VfioDmaLogTests
{
    private const uint Get = VfioDeviceConstants.FeatureGet;
    private const uint Set = VfioDeviceConstants.FeatureSet;
    private const ulong Iova = 0x10_0000;

    [Theory]
    [InlineData(0u, 0ul, 0ul, Errno.Invalid)]
    [InlineData(257u, 0ul, 0ul, Errno.TooBig)]
    [InlineData(1u, 0x1800ul, 0x1000ul, Errno.Invalid)]
    [InlineData(1u, 0x1000ul, 0x1800ul, Errno.Invalid)]
    [InlineData(1u, 0xffff_ffff_ffff_f000ul, 0x1000ul, Errno.Overflow)]
    [InlineData(2u, 0x1000ul, 0x1000ul, Errno.Invalid)] // the same range twice
    [InlineData(1u, 0x1000ul, 0x1000ul, Errno.Success)]
    [InlineData(2u, 0x1000ul, 0ul, Errno.Success)]
    public void RangesAreChecked(uint count, ulong iova, ulong length, Enum expected)
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(Add(vfio));

        Assert.Equal(-(long)(Errno)expected, Start(vfio, file, count, iova, length, out _));
        Assert.Equal(0, vfio.Feature(file, VfioFeature.DmaLoggingStop, Set));
        file.Close();
    }

    [Fact]
    public void ReportsAreChecked()
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(Add(vfio));

        Assert.Equal(-(long)Errno.Invalid, Report(vfio, file, Iova, 0x1000, 0x1000, out _)); // nothing is logged
        Assert.Equal(0, Start(vfio, file, 1, Iova, 0x4000, out ulong pageSize));
        Assert.Equal(0x1000ul, pageSize);
        Assert.Equal(-(long)Errno.Invalid, Start(vfio, file, 1, Iova, 0x4000, out _));
        Assert.Equal(-(long)Errno.Invalid, Report(vfio, file, Iova, 0x1000, 0x800, out _));
        Assert.Equal(-(long)Errno.Invalid, Report(vfio, file, Iova, 0x1000, 0x1800, out _));
        Assert.Equal(-(long)Errno.Overflow, Report(vfio, file, 0xffff_ffff_ffff_f000, 0x1000, 0x1000, out _));
        Assert.Equal(0, Report(vfio, file, Iova, 0x4000, 0x1000, out ulong bits));
        Assert.Equal(0ul, bits);
        file.Close();
    }

    [Fact]
    public void WhatTheDeviceWritesIsReportedOnce()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = Add(vfio);
        OpenFile file = vfio.Bound(device);
        uint ioas = vfio.World.Ioas();
        Assert.Equal(0, vfio.Attach(file, ioas, out _));
        Assert.Equal(Errno.Success, vfio.World.Map(ioas, Iova, 0x8000));
        DmaPort port = VfioWorld.ModelOf(device).Host!.Port;
        Assert.True(port.Write(Iova, [1], out _)); // before the log, and in the cache of the port

        Assert.Equal(0, Start(vfio, file, 1, Iova, 0x6000, out _));
        Assert.True(port.Read(Iova + 0x1000, new byte[8], out _));
        Assert.True(port.Write(Iova, [1], out _));
        Assert.True(port.Write(Iova + 0x1ffe, [1, 2, 3, 4], out _)); // two pages
        Assert.True(port.FetchAdd(Iova + 0x4000, 1u, out _, out _));
        Assert.True(port.Write(Iova + 0x6000, [1], out _)); // outside of the range
        ulong[] iovas = [Iova + 0x5000];
        Assert.True(port.TranslateBatch(iovas, new nuint[1], Permission.Write, out _));
        Assert.Equal(0, Report(vfio, file, Iova, 0x8000, 0x1000, out ulong bits));
        Assert.Equal(0b0011_0111ul, bits);
        Assert.Equal(0, Report(vfio, file, Iova, 0x8000, 0x1000, out bits));
        Assert.Equal(0ul, bits);

        // It stays with the device when that moves, and larger units hold smaller pages.
        uint second = vfio.World.Ioas();
        Assert.Equal(Errno.Success, vfio.World.Map(second, Iova, 0x8000));
        Assert.Equal(0, vfio.Attach(file, second, out _));
        Assert.True(port.Write(Iova + 0x3000, [1], out _));
        Assert.Equal(0, Report(vfio, file, Iova, 0x8000, 0x2000, out bits));
        Assert.Equal(0b0010ul, bits);
        Assert.True(port.Write(Iova + 0x3000, [1], out _));
        Assert.Equal(0, vfio.Feature(file, VfioFeature.DmaLoggingStop, Set));
        Assert.True(port.Write(Iova + 0x2000, [1], out _));
        Assert.Equal(-(long)Errno.Invalid, Report(vfio, file, Iova, 0x8000, 0x1000, out _));
        Assert.Equal(0, Start(vfio, file, 1, Iova, 0x6000, out _));
        Assert.Equal(0, Report(vfio, file, Iova, 0x8000, 0x1000, out bits));
        Assert.Equal(0ul, bits);
        file.Close();
    }

    [Fact]
    public void RingsAndRunsAreLoggedToo()
    {
        using var memory = HostMemory.Allocate(0x20_0000);
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain();
        domain.Map(Iova, memory.Address, 0x8000, Permission.ReadWrite);
        using DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        port.Attach(domain, 5);
        var log = new DmaWriteLog([IovaSpan.Of(Iova, 0x8000)]);
        port.LogWrites(log);
        HostSegment[] segments = new HostSegment[8];

        Assert.Equal(0x1800ul, port.TranslateRange(Iova + 0x800, 0x1800, Permission.Write, segments, out _, out _));
        Assert.True(port.TryTranslate(Iova + 0x3000, Permission.Write, 5, out _));
        Assert.True(port.TryTranslate(Iova + 0x4000, Permission.Read, out _));
        Assert.Equal([Iova, Iova + 0x1000, Iova + 0x3000], log.Take(IovaSpan.Of(Iova, 0x8000)));
        Permission[] mixed = [Permission.Read, Permission.Write];
        ulong[] iovas = [Iova + 0x6000, Iova + 0x7000];
        Assert.True(port.TranslateBatch(iovas, new nuint[2], mixed, out _));
        Assert.Empty(log.Take(IovaSpan.Of(Iova, 0x7000)));
        Assert.Equal([Iova + 0x7000], log.Take(IovaSpan.Of(Iova, 0x8000)));
        port.LogWrites(null);
        Assert.True(port.Write(Iova, [1], out _));
        Assert.Empty(log.Take(IovaSpan.Of(Iova, 0x8000)));
    }

    private static VfioDevice Add(VfioWorld vfio) => vfio.Add(new RegisterModel(VfioWorld.Layout()), VfioWorld.At() with { LogsWrites = true });

    private static long Start(VfioWorld vfio, OpenFile file, uint count, ulong iova, ulong length, out ulong pageSize)
    {
        for (int i = 0; i < Math.Min(count, 4); i++)
        {
            vfio.World.Pages.At<VfioDmaLoggingRange>(World.DataOffset + (i * 16)) = new VfioDmaLoggingRange { Iova = iova, Length = length };
        }

        var control = new VfioDmaLoggingControl { PageSize = 0x1000, NumRanges = count, Ranges = vfio.World.Data };
        long result = vfio.Feature(file, VfioFeature.DmaLoggingStart, Set, ref control);
        pageSize = control.PageSize;
        return result;
    }

    private static long Report(VfioWorld vfio, OpenFile file, ulong iova, ulong length, ulong pageSize, out ulong bits)
    {
        vfio.World.Pages.At<ulong>(World.DataOffset) = 0;
        var report = new VfioDmaLoggingReport { Iova = iova, Length = length, PageSize = pageSize, Bitmap = vfio.World.Data };
        long result = vfio.Feature(file, VfioFeature.DmaLoggingReport, Get, ref report);
        bits = MemoryMarshal.Read<ulong>(vfio.World.Pages.Bytes[World.DataOffset..]);
        return result;
    }
}
