using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed class NvmeIoTests
{
    private const int DiskBytes = 4 << 20;

    [Theory]
    [InlineData(1, false, 512, false)]
    [InlineData(2, false, 4096, false)]
    [InlineData(3, true, 512, false)]
    [InlineData(4, true, 4096, false)]
    [InlineData(5, false, 512, true)]
    [InlineData(6, true, 512, true)]
    public void TheDiskHoldsWhatAnArrayWouldHold(int seed, bool inFile, int blockBytes, bool maps) => Seeded.Run(seed, random =>
    {
        string? path = inFile ? Path.GetTempFileName() : null;
        try
        {
            if (path is not null)
            {
                File.WriteAllBytes(path, new byte[DiskBytes]);
            }

            byte[] disk = new byte[DiskBytes];
            var options = new NvmeModelOptions { MemoryBytes = inFile ? 0 : (ulong)DiskBytes, ImagePath = path, BlockBytes = blockBytes };
            using (var device = new DeviceFixture(new NvmeModel(options)))
            {
                var driver = new NvmeDriver(device, maps: maps);
                driver.Enable();
                DriverQueue[] queues = [driver.CreateIoQueue(1, 7), driver.CreateIoQueue(9, 64), driver.CreateIoQueue(64, 2)];
                var scatter = new NvmeScatter(driver, random);
                for (int i = 0; i < 400; i++)
                {
                    Step(random, random.Pick(queues), driver, scatter, disk, blockBytes);
                }

                Assert.Empty(device.Faults);
                if (maps)
                {
                    device.Unmap(0);
                }
            }

            if (path is not null)
            {
                Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(disk));
            }
        }
        finally
        {
            if (path is not null)
            {
                File.Delete(path);
            }
        }
    });

    [Fact]
    public void ManyCommandsAtOnceAllComeBackOnceWhateverTheQueuesWrap()
    {
        using var device = new DeviceFixture(new NvmeModel(new NvmeModelOptions { MemoryBytes = DiskBytes }));
        var driver = new NvmeDriver(device);
        driver.Enable();
        DriverQueue[] queues = [driver.CreateIoQueue(1, 33), driver.CreateIoQueue(2, 5), driver.CreateIoQueue(3, 64)];
        ulong page = driver.Pages(64);
        Seeded.Run(11, random =>
        {
            var pending = queues.ToDictionary(queue => queue, _ => new Queue<ushort>());
            int completed = 0;
            for (int submitted = 0; completed < 5000;)
            {
                DriverQueue queue = random.Pick(queues);
                int room = queue.Size - 1 - pending[queue].Count;
                for (int count = random.Next(0, room + 1); count > 0 && submitted < 5000; count--, submitted++)
                {
                    pending[queue].Enqueue(driver.Put(queue, NvmeDriver.Io(2, (ulong)random.Next(8192), 1, page + ((ulong)random.Next(512) * 512))));
                }

                driver.Ring(queue);

                // Completions of one queue come in the order of its commands; the driver says where it is from time to time only.
                queue = random.Pick(queues);
                while (pending[queue].Count != 0 && driver.TryComplete(queue, out NvmeAnswer answer, says: random.Chance(50)))
                {
                    NvmeDriver.AssertGood(answer);
                    Assert.Equal(pending[queue].Dequeue(), answer.Command);
                    completed++;
                }

                driver.SayHead(queue);
            }
        });
    }

    [Fact]
    public void ACompletionQueueWithoutRoomHoldsItsCommandsBack()
    {
        using var device = new DeviceFixture(new NvmeModel(new NvmeModelOptions { MemoryBytes = DiskBytes }));
        var driver = new NvmeDriver(device);
        driver.Enable();
        ulong completions = driver.Pages(1);
        ulong submissions = driver.Pages(1);
        NvmeDriver.AssertGood(driver.RunAdmin(0x05, first: completions, word10: 1 | (3 << 16), word11: 1));
        NvmeDriver.AssertGood(driver.RunAdmin(0x01, first: submissions, word10: 1 | (31 << 16), word11: 1 | (1 << 16)));
        var sends = new DriverQueue(1, submissions, completions, 32);
        var takes = new DriverQueue(1, submissions, completions, 4);
        ushort[] ids = [.. Enumerable.Range(0, 10).Select(_ => driver.Put(sends, NvmeDriver.Command(0x00, 1)))];
        driver.Ring(sends);
        DeviceFixture.Await(() => device.At(completions, 64)[(2 * 16) + 14] != 0, "three completions");

        // The administrator's queue goes on, and is served after the others have been: nothing was written to the fourth place.
        NvmeDriver.AssertGood(driver.RunAdmin(0x0A, word10: 7));
        Assert.Equal(-1, device.At(completions + 48, 16).IndexOfAnyExcept((byte)0));
        foreach (ushort id in ids)
        {
            Assert.Equal(id, driver.Complete(takes).Command);
        }
    }

    [Fact]
    public void CommandsThatAreWrongAreRefusedWithTheirStatus()
    {
        using var device = new DeviceFixture(new NvmeModel(new NvmeModelOptions { MemoryBytes = DiskBytes }));
        var driver = new NvmeDriver(device);
        driver.Enable();
        DriverQueue queue = driver.CreateIoQueue(1, 16);
        ulong page = driver.Pages(130);
        ulong list = driver.Pages(1);
        Refused(0x4001, NvmeDriver.Command(0x7F, 1, page));
        Refused(0x4001, NvmeDriver.Command(0x04, 1, page));
        Refused(0x400B, NvmeDriver.Command(0x02, 0, page));
        Refused(0x400B, NvmeDriver.Command(0x02, 2, page));
        Refused(0x400B, NvmeDriver.Command(0x02, uint.MaxValue, page));
        Refused(0, NvmeDriver.Command(0x00, uint.MaxValue));
        Refused(0x4080, NvmeDriver.Io(2, 8192, 1, page));
        Refused(0x4080, NvmeDriver.Io(1, 8191, 2, page));
        Refused(0x4080, NvmeDriver.Io(2, ulong.MaxValue, 2, page));
        Refused(0x4080, NvmeDriver.Io(8, 8191, 2, 0));
        Refused(0x4002, NvmeDriver.Io(2, 0, 1025, page, list));
        Refused(0x4013, NvmeDriver.Io(2, 0, 1, page + 2));
        Refused(0x4013, NvmeDriver.Io(2, 0, 16, page, page + 0x1008));
        Refused(0x4013, NvmeDriver.Io(2, 0, 32, page, list + 4));
        BitConverter.TryWriteBytes(device.At(list, 8), page + 0x1004);
        Refused(0x4013, NvmeDriver.Io(2, 0, 32, page, list));
        Refused(0, NvmeDriver.Io(2, 0, 1, page + 4));
        uint[] fused = NvmeDriver.Io(2, 0, 1, page);
        fused[0] |= 1 << 8;
        Refused(0x4002, fused);
        uint[] reserved = NvmeDriver.Io(2, 0, 1, page);
        reserved[0] |= 3 << 14;
        Refused(0x4002, reserved);
        BitConverter.TryWriteBytes(device.At(page, 8), 8UL << 32);
        BitConverter.TryWriteBytes(device.At(page + 8, 8), 8190UL);
        Refused(0x4080, NvmeDriver.Command(0x09, 1, page, word11: 4));
        Assert.Empty(device.Faults);

        void Refused(int status, uint[] command) => Assert.Equal(status, driver.Run(queue, command).Status);
    }

    [Theory]
    [InlineData(0x400F, 0x00, 511)] // shorter than the data
    [InlineData(0, 0x00, 600)] // longer
    [InlineData(0x4011, 0x01, 512)] // a subtype that there is not
    [InlineData(0x4011, 0x40, 512)] // keyed
    [InlineData(0x4011, 0x10, 512)] // a bucket alone
    [InlineData(0x400D, 0x20, 0)] // a segment of nothing
    [InlineData(0x400D, 0x30, 24)] // half a descriptor
    [InlineData(0x400E, 0x20, 16)] // a segment that says it is not the last, and ends with data
    [InlineData(0x400F, 0x30, 16)] // too little data in it
    [InlineData(0x400D, 0x30, 32)] // a segment in a last segment
    [InlineData(0x400E, 0x20, 4096)] // segments without end
    public void DescriptorsThatAreWrongAreRefused(int status, int kind, int length)
    {
        using var device = new DeviceFixture(new NvmeModel(new NvmeModelOptions { MemoryBytes = DiskBytes }));
        var driver = new NvmeDriver(device);
        driver.Enable();
        DriverQueue queue = driver.CreateIoQueue(1, 16);
        ulong data = driver.Pages(1);
        ulong list = driver.Pages(1);
        if (length == 4096)
        {
            for (int at = 0; at < 4096; at += 16)
            {
                Describe(list + (ulong)at, at == 4080 ? list : data, at == 4080 ? 4096u : 0, at == 4080 ? 0x20 : 0);
            }
        }
        else
        {
            Describe(list, data, 256, 0);
            Describe(list + 16, data, 16, 0x20);
        }

        uint[] command = NvmeDriver.Io(2, 0, 1, kind is 0x20 or 0x30 ? list : data, (uint)length | ((ulong)kind << 56));
        command[0] |= 1 << 14;
        Assert.Equal(status, driver.Run(queue, command).Status);
        Assert.Empty(device.Faults);

        void Describe(ulong place, ulong address, uint bytes, int type)
        {
            BitConverter.TryWriteBytes(device.At(place, 8), address);
            BitConverter.TryWriteBytes(device.At(place + 8, 8), bytes | ((ulong)type << 56));
        }
    }

    private static void Step(Random random, DriverQueue queue, NvmeDriver driver, NvmeScatter scatter, byte[] disk, int blockBytes)
    {
        int diskBlocks = DiskBytes / blockBytes;
        int most = random.Chance(10) ? (512 << 10) / blockBytes : random.Chance(50) ? 4 : 64;
        int blocks = 1 + random.Next(Math.Min(most, (512 << 10) / blockBytes));
        int first = random.Next(diskBlocks - blocks + 1);
        Span<byte> part = disk.AsSpan(first * blockBytes, blocks * blockBytes);
        byte opcode = random.Pick<byte>(1, 1, 1, 2, 2, 2, 5, 8, 9, 0);
        uint[] command = NvmeDriver.Io(opcode, (ulong)first, blocks, 0);
        bool sgl = random.Chance(40);
        if (opcode is 1 or 2 or 5)
        {
            if (sgl)
            {
                scatter.Sgl(command, part.Length, buckets: opcode == 2);
            }
            else
            {
                scatter.Prp(command, part.Length);
            }
        }

        byte[] data = part.ToArray();
        int expected = 0;
        switch (opcode)
        {
            case 1:
                random.NextBytes(data);
                scatter.Fill(data);
                data.CopyTo(part);
                command[12] |= random.Chance(10) ? 1u << 30 : 0;
                break;
            case 5:
                if (random.Chance(50))
                {
                    data[random.Next(data.Length)] ^= 0x10;
                    expected = 0x4285;
                }

                scatter.Fill(data);
                break;
            case 8:
                part.Clear();
                break;
            case 9:
                command = Deallocate(random, scatter, disk, blockBytes);
                break;
            default:
                break;
        }

        Assert.Equal(expected, driver.Run(queue, command).Status);
        if (opcode == 2)
        {
            Assert.True(scatter.Collect(data).AsSpan().SequenceEqual(data), $"{blocks} blocks from {first} by {(sgl ? "SGL" : "PRP")} are what was written.");
        }
    }

    private static uint[] Deallocate(Random random, NvmeScatter scatter, byte[] disk, int blockBytes)
    {
        int ranges = random.Next(1, 20);
        byte[] list = new byte[ranges * 16];
        for (int i = 0; i < ranges; i++)
        {
            int blocks = random.Next(0, 40);
            int first = random.Next((DiskBytes / blockBytes) - blocks + 1);
            BitConverter.TryWriteBytes(list.AsSpan((i * 16) + 4), blocks);
            BitConverter.TryWriteBytes(list.AsSpan((i * 16) + 8), (ulong)first);
            disk.AsSpan(first * blockBytes, blocks * blockBytes).Clear();
        }

        uint[] command = NvmeDriver.Command(9, 1, word10: (uint)(ranges - 1), word11: 4);
        scatter.Prp(command, list.Length);
        scatter.Fill(list);
        return command;
    }
}
