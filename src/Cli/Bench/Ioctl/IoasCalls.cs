using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary>Ioctls about the memory of an ioas to which a device is attached, made in this process, beside the bare page tables of the same work.</summary>
internal sealed class IoasCalls : IDisposable
{
    private const ulong GiB = 1UL << 30;
    private const ulong Page = 4096;
    private const ulong At = 16 * GiB;

    private readonly Engine _engine = new();
    private readonly HostMemory _memory = HostMemory.Allocate(GiB);
    private readonly Descriptor _file = Descriptor.TryReserve() ?? throw new BenchFailureException("The limit on open files leaves no room for a memory file.");
    private readonly IommufdContext _iommufd;
    private readonly DmaPort[] _ports;
    private readonly IommufdDevice[] _devices;
    private readonly IoasId[] _ioases;
    private readonly Domain _bare;

    /// <summary>Two ioases, each with a device, whose page tables have 4 KiB entries only.</summary>
    internal IoasCalls()
    {
        var domain = new DomainOptions { LargestPageLg2 = 12, Aperture = new IovaSpan(0, (1UL << 40) - 1) };
        _bare = _engine.Iommu.CreateDomain(domain);
        _iommufd = _engine.OpenIommufd();
        _ports = [_engine.Iommu.OpenPort(), _engine.Iommu.OpenPort()];
        _devices = Array.ConvertAll(_ports, port => _iommufd.Bind(port, new DeviceOptions { Domain = domain }));
        _ioases = Array.ConvertAll(_devices, device =>
        {
            IoasId ioas = _iommufd.AllocateIoas();
            device.Attach(ioas);
            return ioas;
        });
        for (ulong page = 0; page < GiB; page += Page)
        {
            // There is memory behind every page from here on, as behind a buffer that is used.
            _memory.Bytes(page, 1)[0] = 1;
        }

        byte[] ones = new byte[1 << 20];
        Array.Fill(ones, (byte)1);
        for (ulong at = 0; at < GiB; at += (ulong)ones.Length)
        {
            if (_file.WriteAt(ones, at) != ones.Length)
            {
                throw new BenchFailureException("There is no memory for a file of 1 GiB.");
            }
        }
    }

    /// <summary>MAP and UNMAP of one page, so often.</summary>
    /// <returns>Nanoseconds per pair.</returns>
    internal double MapUnmap(int pairs)
    {
        IoasMapCommand map = Map(Page);
        var unmap = new IoasUnmapCommand { Size = (uint)Marshal.SizeOf<IoasUnmapCommand>(), IoasId = _ioases[0].Number, Iova = At, Length = Page };
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < pairs; i++)
        {
            Call(IommufdRequest.IoasMap, ref map);
            Call(IommufdRequest.IoasUnmap, ref unmap);
        }

        return Nanoseconds(start) / pairs;
    }

    /// <summary>A device leaves the hwpt in which 1 GiB is mapped and comes back, so often.</summary>
    /// <returns>Nanoseconds per pair.</returns>
    internal double AttachDetach(int pairs)
    {
        HwptId hwpt = _iommufd.AllocateHwpt(_ioases[0], _devices[0]);
        _devices[0].Attach(hwpt);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < pairs; i++)
        {
            _devices[0].Detach();
            _devices[0].Attach(hwpt);
        }

        double time = Nanoseconds(start) / pairs;
        _devices[0].Attach(_ioases[0]);
        _iommufd.Destroy(hwpt);
        return time;
    }

    /// <summary>The same of the bare port, with its grace period.</summary>
    /// <returns>Nanoseconds per pair.</returns>
    internal double BareAttachDetach(int pairs)
    {
        using DmaPort port = _engine.Iommu.OpenPort();
        port.Attach(_bare);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < pairs; i++)
        {
            port.Detach();
            port.Attach(_bare);
        }

        return Nanoseconds(start) / pairs;
    }

    /// <summary>The same of the bare page table, with its lock and its grace period.</summary>
    /// <returns>Nanoseconds per pair.</returns>
    internal double BareMapUnmap(int pairs)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < pairs; i++)
        {
            if (_bare.TryMap(At, _memory, 0, Page, Permission.ReadWrite) != MapStatus.Success || _bare.Unmap(At, Page) != Page)
            {
                throw new BenchFailureException("The bare page table refused a page.");
            }
        }

        return Nanoseconds(start) / pairs;
    }

    /// <summary>MAP of 1 GiB; what was mapped is taken away outside the time.</summary>
    /// <returns>Nanoseconds.</returns>
    internal double MapGiB()
    {
        IoasMapCommand map = Map(GiB);
        long start = Stopwatch.GetTimestamp();
        Call(IommufdRequest.IoasMap, ref map);
        double time = Nanoseconds(start);
        Check(_ports[0]);
        _iommufd.Unmap(_ioases[0], At, GiB);
        return time;
    }

    /// <summary>MAP_FILE of 1 GiB; what was mapped is taken away outside the time.</summary>
    /// <returns>Nanoseconds.</returns>
    internal double MapFileGiB()
    {
        var map = new IoasMapFileCommand
        {
            Size = (uint)Marshal.SizeOf<IoasMapFileCommand>(),
            Flags = IoasMapFlags.FixedIova | IoasMapFlags.Readable | IoasMapFlags.Writeable,
            IoasId = _ioases[0].Number,
            Fd = _file.Number,
            Length = GiB,
            Iova = At,
        };
        long start = Stopwatch.GetTimestamp();
        Call(IommufdRequest.IoasMapFile, ref map);
        double time = Nanoseconds(start);
        Span<byte> last = stackalloc byte[1];
        if (!_ports[0].Read(At + GiB - 1, last, out Fault fault) || last[0] != 1)
        {
            throw new BenchFailureException($"The device does not find the file that was mapped: {fault}.");
        }

        _iommufd.Unmap(_ioases[0], At, GiB);
        return time;
    }

    /// <summary>COPY of 1 GiB that is mapped in one ioas into the other.</summary>
    /// <returns>Nanoseconds.</returns>
    internal double CopyGiB()
    {
        IoasMapCommand map = Map(GiB);
        Call(IommufdRequest.IoasMap, ref map);
        var copy = new IoasCopyCommand
        {
            Size = (uint)Marshal.SizeOf<IoasCopyCommand>(),
            Flags = map.Flags,
            SrcIoasId = _ioases[0].Number,
            DstIoasId = _ioases[1].Number,
            Length = GiB,
            SrcIova = At,
            DstIova = At,
        };
        long start = Stopwatch.GetTimestamp();
        Call(IommufdRequest.IoasCopy, ref copy);
        double time = Nanoseconds(start);
        Check(_ports[1]);
        _iommufd.Unmap(_ioases[0], At, GiB);
        _iommufd.Unmap(_ioases[1], At, GiB);
        return time;
    }

    /// <summary>The fill of the bare page table with as many entries.</summary>
    /// <returns>Nanoseconds.</returns>
    internal double BareMapGiB()
    {
        long start = Stopwatch.GetTimestamp();
        if (_bare.TryMap(At, _memory, 0, GiB, Permission.ReadWrite) != MapStatus.Success)
        {
            throw new BenchFailureException("The bare page table refused 1 GiB.");
        }

        double time = Nanoseconds(start);
        _bare.Unmap(At, GiB);
        return time;
    }

    public void Dispose()
    {
        foreach (IommufdDevice device in _devices)
        {
            device.Dispose();
        }

        _iommufd.Dispose();
        foreach (DmaPort port in _ports)
        {
            port.Dispose();
        }

        _bare.Dispose();
        _memory.Dispose();
        _file.Dispose();
        _engine.Dispose();
    }

    private static double Nanoseconds(long start) => Stopwatch.GetElapsedTime(start).Ticks * 100.0;

    private IoasMapCommand Map(ulong length) => new()
    {
        Size = (uint)Marshal.SizeOf<IoasMapCommand>(),
        Flags = IoasMapFlags.FixedIova | IoasMapFlags.Readable | IoasMapFlags.Writeable,
        IoasId = _ioases[0].Number,
        UserVa = _memory.Address,
        Length = length,
        Iova = At,
    };

    private void Call<TCommand>(IommufdRequest request, ref TCommand command)
        where TCommand : unmanaged
    {
        long result = _iommufd.Ioctl((uint)request, MemoryMarshal.AsBytes(new Span<TCommand>(ref command)));
        if (result != 0)
        {
            throw new BenchFailureException($"{request} answered {result}.");
        }
    }

    // The last page of what was mapped is what the device finds there.
    private void Check(DmaPort port)
    {
        using DmaScope scope = port.Enter();
        if (!port.TryTranslate(At + GiB - Page, Permission.ReadWrite, out nuint host) || host != _memory.Address + (nuint)(GiB - Page))
        {
            throw new BenchFailureException("The device does not find the memory that was mapped.");
        }
    }
}
