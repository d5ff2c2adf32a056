using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace FastIova;

/// <summary>The test device of QEMU (1b36:0005): counts the writes to one place of a BAR, to try accesses with.</summary>
/// <remarks>
/// <para>Owns: the counts of its six tests, three in the memory of BAR 0 and three in the ports of BAR 1; a thread while BAR 0 is mapped.</para>
/// <para>Invariant: a BAR begins with the header of the test that was started last: number, width, offset and value of the write to make, count,
/// name. A write elsewhere, or of another value where the test wants one, does not count. While BAR 0 is mapped, a write counts with the next
/// look of the thread, and the first byte is 0xff until a test was started.</para>
/// <para>Threads: as <see cref="IPciDeviceModel"/>.</para>
/// </remarks>
public sealed partial class TestDevModel : IPciDeviceModel, IPciMigratable
{
    private const int MemoryBytes = 2048;
    private const int PortBytes = 128;
    private const int TestsOfBar = 3;
    private const int Tests = 2 * TestsOfBar;
    private const int OffsetAt = 4;
    private const int DataAt = 8;
    private const int CountAt = 12;
    private const int NameAt = 16;
    private const int HeaderWords = 11;
    private const byte Matching = 0xFA;
    private const byte Any = 0xCE;
    private const int WildcardTest = 1;
    private const int None = -1;
    private const uint NoneShown = 0xFF;

    private readonly Lock _gate = new();
    private readonly byte[][] _headers = new byte[Tests][];
    private readonly MappedWords _words = new((MemoryBytes + 8) / sizeof(uint));
    private PciDeviceHost? _host;
    private ModelThread? _thread;
    private bool _isMapped;
    private int _current = None;

    /// <summary>Makes a device.</summary>
    public TestDevModel()
    {
        string[] names = ["mmio-no-eventfd", "mmio-wildcard-eventfd", "mmio-datamatch-eventfd", "portio-no-eventfd", "portio-wildcard-eventfd", "portio-datamatch-eventfd"];
        for (int test = 0; test < Tests; test++)
        {
            byte[] header = new byte[NameAt + names[test].Length + 1];
            header[0] = (byte)test;
            header[1] = 1; // writes of one byte
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(OffsetAt), OffsetOf(test));
            header[DataAt] = test % TestsOfBar == WildcardTest ? Any : Matching;
            _ = Encoding.ASCII.GetBytes(names[test], header.AsSpan(NameAt));
            _headers[test] = header;
        }
    }

    /// <inheritdoc/>
    public PciFunctionLayout Layout { get; } = new()
    {
        VendorId = 0x1B36,
        DeviceId = 0x0005,
        SubsystemVendorId = 0x1AF4,
        SubsystemId = 0x1100,
        ClassCode = 0x00FF00,
        Bars =
        [
            new PciBar { Index = 0, Bytes = 2 * MemoryBytes, Kind = PciBarKind.Memory32, IsMappable = true },
            new PciBar { Index = 1, Bytes = 2 * PortBytes, Kind = PciBarKind.Io },
        ],
    };

    /// <inheritdoc/>
    public void Connect(PciDeviceHost host) => _host = host;

    /// <inheritdoc/>
    public void ReadBar(int bar, ulong offset, Span<byte> data)
    {
        data.Clear();
        lock (_gate)
        {
            LookIfMapped();
            if (_current == None)
            {
                return;
            }

            // Byte by byte; the terminator of the name, and what follows, read as zero.
            ReadOnlySpan<byte> header = _headers[_current];
            for (int i = 0; i < data.Length && offset + (ulong)i < (ulong)header.Length; i++)
            {
                data[i] = header[(int)offset + i];
            }
        }
    }

    /// <inheritdoc/>
    public void WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            LookIfMapped();
            for (int i = 0; i < data.Length; i++)
            {
                WriteByte(bar, offset + (ulong)i, data[i]);
            }

            ShowIfMapped();
        }
    }

    /// <inheritdoc/>
    public void Reset()
    {
        lock (_gate)
        {
            _current = None;
            ShowIfMapped();
        }
    }

    /// <inheritdoc/>
    public void BarMapped(int bar, bool isMapped)
    {
        lock (_gate)
        {
            _isMapped = isMapped;
            ShowIfMapped();
        }

        if (isMapped)
        {
            _thread ??= new ModelThread("testdev", Turn);
        }

        if (_thread is not null)
        {
            _thread.Polls = isMapped;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _thread?.Dispose();

    private static int OffsetOf(int test) => (test < TestsOfBar ? MemoryBytes : PortBytes) + test;

    private void WriteByte(int bar, ulong offset, byte value)
    {
        if (offset == 0)
        {
            Start(value < TestsOfBar ? (bar * TestsOfBar) + value : None);
        }
        else if (_current != None && offset == (ulong)OffsetOf(_current))
        {
            Count(value);
        }
    }

    private void Start(int test)
    {
        _current = test;
        if (test != None)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_headers[test].AsSpan(CountAt), 0);
        }
    }

    private void Count(byte value)
    {
        byte[] header = _headers[_current];
        if (_current % TestsOfBar == WildcardTest || value == header[DataAt])
        {
            int count = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(CountAt));
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(CountAt), count + 1);
        }
    }

    private bool Turn()
    {
        lock (_gate)
        {
            return _isMapped && Look();
        }
    }

    private void LookIfMapped()
    {
        if (_isMapped)
        {
            _ = Look();
        }
    }

    private bool Look()
    {
        Span<uint> memory = MemoryMarshal.Cast<byte, uint>(_host!.BarMemory(0));
        bool any = _words.Take(memory, 0, out uint first);
        if (any && (byte)first != (_current == None ? NoneShown : (uint)_current))
        {
            WriteByte(0, 0, (byte)first);
        }

        // The places of the tests of this BAR share one word; each byte is zero until it is written.
        if (_words.Take(memory, MemoryBytes / sizeof(uint), out uint places) && places != 0)
        {
            any = true;
            for (int i = 0; i < TestsOfBar; i++)
            {
                byte value = (byte)(places >> (8 * i));
                if (value != 0)
                {
                    WriteByte(0, (ulong)(MemoryBytes + i), value);
                }
            }
        }

        Show(memory);
        return any;
    }

    private void ShowIfMapped()
    {
        if (_isMapped)
        {
            Show(MemoryMarshal.Cast<byte, uint>(_host!.BarMemory(0)));
        }
    }

    private void Show(Span<uint> memory)
    {
        Span<byte> header = stackalloc byte[HeaderWords * sizeof(uint)];
        header.Clear();
        header[0] = (byte)NoneShown;
        if (_current != None)
        {
            _headers[_current].CopyTo(header);
        }

        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(header);
        for (int i = 0; i < words.Length; i++)
        {
            _words.Show(memory, i, words[i]);
        }

        _words.Show(memory, MemoryBytes / sizeof(uint), 0);
    }
}
