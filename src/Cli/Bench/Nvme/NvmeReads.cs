using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary>A driver in this process that reads blocks of 4 KiB at random from an NVMe model through an IOMMU, and checks each.</summary>
/// <remarks>
/// Owns: the IOMMU, the model and the memory of queues and data, each page at a random place of 64 GiB.
/// Threads: one; the model has its own.
/// </remarks>
internal sealed class NvmeReads : IDisposable
{
    internal const int DepthMost = 32;

    private const int PageBytes = 4096;
    private const int Entries = 64;
    private const int BlocksOfPage = PageBytes / 512;
    private const int DataPages = 1024;
    private const int QueuePages = 4;
    private const int Fetched = 16;
    private const ulong ApertureBytes = 64UL << 30;
    private const byte Write = 1;
    private const byte Read = 2;

    private readonly Iommu _iommu = new();
    private readonly Domain _domain;
    private readonly DmaPort _port;
    private readonly DmaPort _alone;
    private readonly HostMemory _memory = HostMemory.Allocate((QueuePages + DataPages) * PageBytes);
    private readonly NvmeModel _model;
    private readonly PciFunction _function;
    private readonly ulong[] _iovas;
    private readonly int[] _places;
    private readonly int[] _buffers;
    private readonly byte[] _copy = new byte[PageBytes];
    private readonly HostMemory _disk;
    private int _tail;
    private int _head;
    private uint _phase = 1;

    /// <param name="pages">The namespace, in pages; the order of reading is drawn once.</param>
    internal NvmeReads(int pages)
    {
        Operations = pages;
        _domain = _iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12, Aperture = new IovaSpan(0, ApertureBytes - 1) });
        _iovas = new ScatteredPlaces(ApertureBytes, QueuePages + DataPages).Iovas;
        for (int i = 0; i < _iovas.Length; i++)
        {
            _domain.Map(_iovas[i], _memory.Address + (nuint)(i * PageBytes), PageBytes, Permission.ReadWrite);
        }

        _port = OpenPort("nvme");
        _alone = OpenPort("alone");
        _model = new NvmeModel(new NvmeModelOptions { MemoryBytes = (ulong)pages * PageBytes });
        _function = OnProcessorOfItsOwn(() => new PciFunction(_model, _port));
        _disk = HostMemory.Allocate((ulong)pages * PageBytes);
        var random = new Random(4096);
        _places = [.. Enumerable.Range(0, pages)];
        random.Shuffle(_places);
        _buffers = new int[pages];
        for (int i = 0; i < pages; i++)
        {

            // No two outstanding commands have the same page.
            _buffers[i] = QueuePages + (i % DataPages);
            BinaryPrimitives.WriteInt64LittleEndian(_disk.Bytes((ulong)i * PageBytes, sizeof(long)), i);
        }

        Start();
        _ = Run(Write, DepthMost);
    }

    /// <summary>The reads of one run.</summary>
    internal int Operations { get; }

    /// <summary>The pages that the device has looked up.</summary>
    internal ulong Translations => _model.Translations;

    /// <summary>Reads every page once, with so many commands outstanding.</summary>
    /// <returns>Nanoseconds per read.</returns>
    internal double Reads(int depth) => Pinned(() => Run(Read, depth));

    /// <summary>The bound: the same pages copied to the same places.</summary>
    internal double Copies() => Pinned(() =>
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Operations; i++)
        {
            _disk.Bytes((ulong)_places[i] * PageBytes, PageBytes).CopyTo(DataOf(_buffers[i]));
        }

        return PerOperation(start);
    });

    /// <summary>The look-ups that the device needs for the same reads, with its scopes, and nothing else.</summary>
    internal double Lookups(int depth) => Pinned(() => LookUp(depth));

    public void Dispose()
    {
        _function.Dispose();
        _port.Dispose();
        _alone.Dispose();
        _domain.Dispose();
        _iommu.Dispose();
        _memory.Dispose();
        _disk.Dispose();
    }

    // On one processor the two would wait for each other's turn; the thread of the model keeps the binding of the one that makes it.
    private static PciFunction OnProcessorOfItsOwn(Func<PciFunction> make)
    {
        int[] processors = Affinity.Allowed();
        if (processors.Length < 2)
        {
            throw new BenchFailureException("Driver and device need a processor each, this process may use one: give it more with taskset, or leave these figures out with --only.");
        }

        PciFunction? made = null;
        var maker = new Thread(() => made = Affinity.Bind(processors[1]) ? make() : null);
        maker.Start();
        maker.Join();
        return made ?? throw new BenchFailureException($"Linux did not bind a thread to processor {processors[1]}.");
    }

    private DmaPort OpenPort(string name)
    {
        DmaPort port = _iommu.OpenPort(new DmaPortOptions { Name = name });
        port.Attach(_domain);
        return port;
    }

    private double LookUp(int depth)
    {
        long start = Stopwatch.GetTimestamp();
        ulong entry = _iovas[3];
        bool good = true;
        for (int i = 0; i < Operations; i++)
        {
            if (depth == 1 || i % Fetched == 0)
            {
                using DmaScope fetch = _alone.Enter();
                good &= fetch.TryTranslate(_iovas[2], Permission.Read, out _);
            }

            using (DmaScope data = _alone.Enter())
            {
                good &= data.TryTranslate(_iovas[_buffers[i]], Permission.Write, out _);
            }

            using DmaScope completion = _alone.Enter();
            good &= completion.TryTranslate(entry, Permission.Write, out _);
            good &= completion.TryTranslate(entry + 8, Permission.Write, out _);
        }

        double each = PerOperation(start);
        return good ? each : throw new BenchFailureException("A page of the benchmark is not mapped: no time is reported for wrong answers.");
    }

    private static double Pinned(Func<double> lap)
    {
        double time = 0;
        new PinnedTeam(1).Run(() => time = lap());
        return time;
    }

    private double PerOperation(long start) => (Stopwatch.GetTimestamp() - start) * (1e9 / Stopwatch.Frequency) / Operations;

    private Span<byte> DataOf(int page) => _memory.Bytes((ulong)page * PageBytes, PageBytes);

    private double Run(byte opcode, int depth)
    {
        Span<uint> completions = MemoryMarshal.Cast<byte, uint>(DataOf(3));
        long start = Stopwatch.GetTimestamp();
        long sum = 0;
        int sent = 0;
        int done = 0;
        while (done < Operations)
        {
            int before = sent;
            while (sent < Operations && sent - done < depth)
            {
                Put(opcode, sent++);
            }

            if (sent != before)
            {
                SetRegister(0x1008, (uint)_tail);
            }

            int reaped = 0;
            while (done < sent)
            {
                uint last = Volatile.Read(ref completions[(_head * 4) + 3]);
                if (((last >> 16) & 1) != _phase)
                {
                    break;
                }

                if (last >> 17 != 0)
                {
                    throw new BenchFailureException($"A command of the benchmark ended with status 0x{last >> 17:x}: no time is reported for wrong answers.");
                }

                sum += BinaryPrimitives.ReadInt64LittleEndian(DataOf(_buffers[done]));
                Advance();
                done++;
                reaped++;
            }

            if (reaped != 0)
            {
                SetRegister(0x100C, (uint)_head);
            }
        }

        double each = PerOperation(start);
        long expected = (long)Operations * (Operations - 1) / 2;
        return sum == expected
            ? each
            : throw new BenchFailureException($"The blocks that were read add up to {sum}, {expected} is right: no time is reported for wrong answers.");
    }

    private void Put(byte opcode, int operation)
    {
        int place = _places[operation];
        if (opcode == Write)
        {
            BinaryPrimitives.WriteInt64LittleEndian(DataOf(_buffers[operation]), place);
        }

        Span<byte> command = DataOf(2).Slice(_tail * 64, 64);
        command.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(command, opcode | ((uint)(operation & 0xFFFF) << 16));
        BinaryPrimitives.WriteUInt32LittleEndian(command[4..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(command[24..], _iovas[_buffers[operation]]);
        BinaryPrimitives.WriteUInt64LittleEndian(command[40..], (ulong)place * BlocksOfPage);
        BinaryPrimitives.WriteUInt32LittleEndian(command[48..], BlocksOfPage - 1);
        _tail = (_tail + 1) % Entries;
    }

    private void Advance()
    {
        _head = (_head + 1) % Entries;
        _phase ^= _head == 0 ? 1u : 0;
    }

    private void Start()
    {
        _function.WriteConfig(4, [6, 0]);
        _function.EnableMsix(true);
        SetRegister(0x24, (Entries - 1) | ((Entries - 1) << 16));
        SetLong(0x28, _iovas[0]);
        SetLong(0x30, _iovas[1]);
        SetRegister(0x14, 0x0046_0001);
        Administer(0, 5, _iovas[3], 1);
        Administer(1, 1, _iovas[2], 1 | (1 << 16));
    }

    private void Administer(int index, byte opcode, ulong queue, uint flags)
    {
        Span<byte> command = DataOf(0).Slice(index * 64, 64);
        command.Clear();
        command[0] = opcode;
        BinaryPrimitives.WriteUInt64LittleEndian(command[24..], queue);
        BinaryPrimitives.WriteUInt32LittleEndian(command[40..], 1 | ((Entries - 1) << 16));
        BinaryPrimitives.WriteUInt32LittleEndian(command[44..], flags);
        SetRegister(0x1000, (uint)index + 1);
        Span<uint> answer = MemoryMarshal.Cast<byte, uint>(DataOf(1));
        while (Volatile.Read(ref answer[(index * 4) + 3]) == 0)
        {
            Thread.SpinWait(1);
        }

        if (answer[(index * 4) + 3] >> 17 != 0)
        {
            throw new BenchFailureException($"The controller refused a queue of the benchmark: 0x{answer[(index * 4) + 3] >> 17:x}.");
        }
    }

    private void SetRegister(ulong offset, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        _function.WriteBar(0, offset, bytes);
    }

    private void SetLong(ulong offset, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _function.WriteBar(0, offset, bytes);
    }
}
