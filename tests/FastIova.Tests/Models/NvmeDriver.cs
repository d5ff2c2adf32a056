using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests;

/// <summary>A completion as the driver reads it.</summary>
internal readonly record struct NvmeAnswer(uint Result, ushort Command, ushort Head, ushort Queue, int Status);

/// <summary>A pair of queues of the driver.</summary>
internal sealed class DriverQueue(int id, ulong submissions, ulong completions, int size)
{
    internal int Id { get; } = id;

    internal ulong Submissions { get; } = submissions;

    internal ulong Completions { get; } = completions;

    internal int Size { get; } = size;

    internal int Tail { get; set; }

    internal int Head { get; set; }

    internal int Phase { get; set; } = 1;
}

/// <summary>A driver for an NVMe controller, which talks to it by calls or through the mapped BAR.</summary>
internal sealed class NvmeDriver
{
    internal const int DoNotRetry = 0x4000;

    private readonly DeviceFixture _device;
    private readonly bool _maps;
    private ulong _free = DeviceFixture.Base;
    private ushort _command;

    internal NvmeDriver(DeviceFixture device, int adminSize = 32, bool maps = false)
    {
        _device = device;
        _maps = maps;
        Admin = NewQueue(0, adminSize);
    }

    internal DriverQueue Admin { get; private set; }

    internal DeviceFixture Device => _device;

    /// <summary>Pages that nobody else uses.</summary>
    internal ulong Pages(int count)
    {
        ulong at = _free;
        _free += (ulong)count * DeviceFixture.PageBytes;
        Assert.True(_free <= DeviceFixture.Base + DeviceFixture.MemoryBytes, "The driver has memory left.");
        return at;
    }

    internal static uint[] Command(byte opcode, uint space = 0, ulong first = 0, ulong second = 0, uint word10 = 0, uint word11 = 0, uint word12 = 0, uint word13 = 0)
    {
        uint[] words = new uint[16];
        words[0] = opcode;
        words[1] = space;
        words[6] = (uint)first;
        words[7] = (uint)(first >> 32);
        words[8] = (uint)second;
        words[9] = (uint)(second >> 32);
        words[10] = word10;
        words[11] = word11;
        words[12] = word12;
        words[13] = word13;
        return words;
    }

    internal static uint[] Io(byte opcode, ulong block, int blocks, ulong first, ulong second = 0) =>
        Command(opcode, 1, first, second, (uint)block, (uint)(block >> 32), (uint)(blocks - 1));

    internal uint Register(int offset) => _maps ? Volatile.Read(ref Word(offset)) : _device.Read32((ulong)offset);

    internal void SetRegister(int offset, uint value)
    {
        if (_maps)
        {
            Volatile.Write(ref Word(offset), value);
        }
        else
        {
            _device.Write32((ulong)offset, value);
        }
    }

    internal void Enable(uint configuration = 0x0046_0001)
    {
        SetRegister(0x24, (uint)((Admin.Size - 1) | ((Admin.Size - 1) << 16)));
        SetRegister(0x28, (uint)Admin.Submissions);
        SetRegister(0x2C, (uint)(Admin.Submissions >> 32));
        SetRegister(0x30, (uint)Admin.Completions);
        SetRegister(0x34, (uint)(Admin.Completions >> 32));
        SetRegister(0x14, configuration);
        DeviceFixture.Await(() => (Register(0x1C) & 3) != 0, "the controller is ready or has failed");
    }

    internal void Disable()
    {
        SetRegister(0x14, 0x0046_0000);
        DeviceFixture.Await(() => Register(0x1C) == 0, "the controller is not ready");
    }

    /// <summary>Begins anew with other memory for the queues.</summary>
    internal void Restart()
    {
        Disable();
        Admin = NewQueue(0, Admin.Size);
        Enable();
    }

    internal DriverQueue NewQueue(int id, int size) => new(id, Pages(((size * 64) + 4095) / 4096), Pages(((size * 16) + 4095) / 4096), size);

    internal DriverQueue CreateIoQueue(int id, int size, int vector = 0, bool interrupts = true)
    {
        DriverQueue queue = NewQueue(id, size);
        uint flags = 1 | (interrupts ? 2u : 0) | ((uint)vector << 16);
        AssertGood(Run(Admin, Command(0x05, first: queue.Completions, word10: (uint)(id | ((size - 1) << 16)), word11: flags)));
        AssertGood(Run(Admin, Command(0x01, first: queue.Submissions, word10: (uint)(id | ((size - 1) << 16)), word11: 1 | ((uint)id << 16))));
        return queue;
    }

    /// <summary>Puts a command into its queue, without a word to the controller.</summary>
    internal ushort Put(DriverQueue queue, uint[] words)
    {
        ushort id = ++_command;
        words[0] = (words[0] & 0xFFFF) | ((uint)id << 16);
        MemoryMarshal.AsBytes(words.AsSpan()).CopyTo(_device.At(queue.Submissions + ((ulong)queue.Tail * 64), 64));
        queue.Tail = (queue.Tail + 1) % queue.Size;
        return id;
    }

    internal void Ring(DriverQueue queue) => SetRegister(0x1000 + (queue.Id * 8), (uint)queue.Tail);

    internal ushort Submit(DriverQueue queue, uint[] words)
    {
        ushort id = Put(queue, words);
        Ring(queue);
        return id;
    }

    internal bool TryComplete(DriverQueue queue, out NvmeAnswer answer, bool says = true)
    {
        answer = default;
        ulong at = queue.Completions + ((ulong)queue.Head * 16);
        Span<uint> words = MemoryMarshal.Cast<byte, uint>(_device.At(at, 16));
        uint last = Volatile.Read(ref words[3]);
        if (((last >> 16) & 1) != queue.Phase)
        {
            return false;
        }

        answer = new NvmeAnswer(words[0], (ushort)last, (ushort)words[2], (ushort)(words[2] >> 16), (int)(last >> 17));
        queue.Head++;
        if (queue.Head == queue.Size)
        {
            queue.Head = 0;
            queue.Phase ^= 1;
        }

        if (says)
        {
            SayHead(queue);
        }

        return true;
    }

    internal void SayHead(DriverQueue queue) => SetRegister(0x1004 + (queue.Id * 8), (uint)queue.Head);

    internal NvmeAnswer Complete(DriverQueue queue)
    {
        NvmeAnswer answer = default;
        DeviceFixture.Await(() => TryComplete(queue, out answer), "a completion");
        return answer;
    }

    internal NvmeAnswer Run(DriverQueue queue, uint[] words)
    {
        ushort id = Submit(queue, words);
        NvmeAnswer answer = Complete(queue);
        Assert.Equal(id, answer.Command);
        Assert.Equal(queue.Id, answer.Queue);
        return answer;
    }

    internal NvmeAnswer RunAdmin(byte opcode, uint space = 0, ulong first = 0, ulong second = 0, uint word10 = 0, uint word11 = 0, uint word12 = 0) =>
        Run(Admin, Command(opcode, space, first, second, word10, word11, word12));

    internal static void AssertGood(NvmeAnswer answer) => Assert.Equal(0, answer.Status);

    /// <summary>The code of a status, without the bits that go with it.</summary>
    internal static int CodeOf(NvmeAnswer answer) => answer.Status & 0x7FF;

    internal byte[] Identify(uint kind, uint space = 0)
    {
        ulong page = Pages(1);
        AssertGood(RunAdmin(0x06, space, page, word10: kind));
        return _device.At(page, 4096).ToArray();
    }

    internal byte[] Log(byte id, int bytes, bool keepsEvent = false)
    {
        ulong page = Pages(1);
        AssertGood(RunAdmin(0x02, uint.MaxValue, page, word10: id | (keepsEvent ? 1u << 15 : 0) | ((uint)((bytes / 4) - 1) << 16)));
        return _device.At(page, bytes).ToArray();
    }

    internal static ulong LongAt(byte[] page, int at) => BinaryPrimitives.ReadUInt64LittleEndian(page.AsSpan(at));

    private ref uint Word(int offset) => ref MemoryMarshal.Cast<byte, uint>(_device.Mapped(0))[offset / 4];
}
