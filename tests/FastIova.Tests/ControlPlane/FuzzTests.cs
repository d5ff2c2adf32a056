using System.Runtime.InteropServices;
using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Random bytes, sizes and pointers to every ioctl: no crash, no hang, nothing left. FASTIOVA_FUZZ_SECONDS makes it run on demand for long.</summary>
public sealed class FuzzTests
{
    private static readonly uint[] Requests =
    [
        .. Enum.GetValues<IommufdRequest>().Select(request => (uint)request),
        .. Enum.GetValues<VfioRequest>().Select(request => (uint)request),
        0x3b8f,
        0x3bff,
    ];

    private static readonly IoctlTable Table = new(new EngineOptions { TestBackend = true });

    [Theory]
    [InlineData(1, UapiLevel.Linux612)]
    [InlineData(2, UapiLevel.Linux612)]
    [InlineData(3, UapiLevel.Linux612Backports)]
    [InlineData(4, UapiLevel.Latest)]
    public void NoBytesHarmTheEngine(int seed, UapiLevel level)
    {
        DateTime end = DateTime.UtcNow.AddSeconds(double.Parse(Environment.GetEnvironmentVariable("FASTIOVA_FUZZ_SECONDS") ?? "0", System.Globalization.CultureInfo.InvariantCulture));
        do
        {
            Seeded.Run(seed, random => Round(random, level, calls: 4000));
            seed += 10;
        }
        while (DateTime.UtcNow < end);
    }

    private static void Round(Random random, UapiLevel level, int calls)
    {
        using var world = new World(level, random.Pick(EngineNode.Iommu, EngineNode.VfioContainer), hasTestBackend: true);
        if (random.Chance(50))
        {
            world.Client.Capabilities.Clear();
            world.Client.LimitPages = random.Next(100);
        }

        for (int i = 0; i < calls; i++)
        {
            uint request = random.Pick(Requests);
            if (random.Chance(10))
            {
                TouchFiles(world, random);
            }

            Fill(world, random, request);
            ulong argument = random.Next(40) switch
            {
                0 => 0,
                1 => world.Pages.End - (ulong)random.Next(80),
                2 => random.NextWord(),
                3 => (ulong)random.Next(12),
                _ => world.Pages.Address,
            };
            long result = world.Context.Ioctl(world.Client, request, argument);
            Assert.InRange(result, -4095, int.MaxValue);
        }
    }

    // Words that often mean something: small ids, flags, addresses, lengths.
    private static void Fill(World world, Random random, uint request)
    {
        Span<byte> there = world.Pages.Bytes[..256];
        Span<uint> words = MemoryMarshal.Cast<byte, uint>(there);
        words.Clear();
        Span<ulong> longs = MemoryMarshal.Cast<byte, ulong>(there);
        int length = request is 0x3ba0 ? 72 : 48;
        for (int i = 1; i < length / 4; i++)
        {
            words[i] = random.Next(6) switch
            {
                0 => 0,
                1 => random.Chance(90) ? (uint)random.Next(16) : (uint)random.NextWord(),
                _ => (uint)random.Next(8),
            };
        }

        for (int i = 1; i < length / 8; i++)
        {
            if (random.Chance(60))
            {
                longs[i] = random.Next(8) switch
                {
                    0 => random.NextWord(),
                    1 => world.Data,
                    2 => world.Pages.End - (ulong)random.Next(0x3000),
                    3 => (ulong)random.Next(32) << 12,
                    4 => 0x100_0000 + ((ulong)random.Next(64) << 11),
                    5 => (ulong)random.Next(16) << 11,
                    6 => ulong.MaxValue,
                    _ => world.Buffer + ((ulong)random.Next(32) << 12),
                };
            }
        }

        if (request == (uint)IommufdRequest.TestCmd)
        {
            // Marking pages walks the whole range that it is told, as the kernel's does.
            words[1] = (uint)random.Pick(1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15, 99);
        }

        words[0] = random.Chance(90) ? (uint)SizeOf(request) : (uint)random.Next(300);
        world.Pages.Bytes.Slice(World.DataOffset, 64).Fill((byte)random.Next(4));
    }

    private static int SizeOf(uint request) => Table.Covers(request, out IoctlRow? row) && row is not null ? row.FullBytes : 32;

    private static void TouchFiles(World world, Random random)
    {
        int fd = random.Next(1, 6);
        if (!world.Client.TryResolve(fd, out OpenFile? file))
        {
            return;
        }

        switch (random.Next(4))
        {
            case 0:
                file!.Read(world.Client, random.Chance(80) ? world.Data : random.NextWord(), (ulong)random.Next(5) * 40);
                break;
            case 1:
                file!.Write(world.Client, random.Chance(80) ? world.Data : random.NextWord(), (ulong)random.Next(5) * 8);
                break;
            case 2:
                _ = file!.IsReadable;
                break;
            default:
                world.Client.Close(fd);
                break;
        }
    }
}
