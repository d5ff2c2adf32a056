using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.AddressSpace;

/// <summary>Threads that map, copy, unmap, attach and detach, against a device that translates: the state between the rounds is whole.</summary>
public sealed class IoasRaceTests
{
    private const ulong Page = 4096;
    private const ulong Base = 0x1000000;
    private const int Threads = 3;
    private const int Rounds = 10;

    [Theory]
    [InlineData(51)]
    [InlineData(52)]
    public void WhatThreadsDoAtOnceAddsUp(int seed) => Seeded.Run(seed, random =>
    {
        using var iommu = new Iommu();
        using HostMemory memory = HostMemory.Allocate(256 * Page);
        for (ulong page = 0; page < 256; page++)
        {
            // Every page knows its number, so that a stale translation is seen.
            BitConverter.TryWriteBytes(memory.Bytes(page * Page, 8), page);
        }

        var user = new MemoryTally();
        var owner = new PinOwner(OwnMemory.Instance, user, () => long.MaxValue, AccountMode.User);
        using Domain domain = iommu.CreateDomain();
        using Domain second = iommu.CreateDomain(new DomainOptions { Granule = Granule.Size2K });
        var ioas = new Ioas();
        Assert.Equal(IoasStatus.Success, ioas.AddDomain(domain));
        using var device = new DeviceThread(iommu, domain, memory);
        for (int round = 0; round < Rounds; round++)
        {
            int[] seeds = [.. Enumerable.Range(0, Threads).Select(_ => random.Next())];
            Crew.Run(
            [
                .. seeds.Select((s, thread) => (Action)(() => Work(ioas, owner, memory, new Random(s), thread))),
                () =>
                {
                    for (int i = 0; i < 5; i++)
                    {
                        Assert.Equal(IoasStatus.Success, ioas.AddDomain(second));
                        ioas.RemoveDomain(second);
                        Assert.Equal(0UL, second.MappedBytes);
                    }
                },
            ]);
            device.AssertWell();
            ulong mapped = ioas.AreaSpans().Aggregate(0UL, (sum, span) => sum + span.LengthLessOne + 1);
            Assert.Equal(mapped, domain.MappedBytes);
            Assert.Equal(ioas.PinnedPages, (ulong)user.LockedPages);
            if (round % 5 == 4)
            {
                Assert.Equal(IoasStatus.Success, ioas.UnmapAll(out ulong bytes));
                Assert.Equal(mapped, bytes);
                Assert.Equal(0, user.LockedPages);
            }
        }

        ioas.RemoveDomain(domain);
        Assert.Equal(0, user.LockedPages);
        Assert.Equal(0UL, domain.MappedBytes);
        ioas.Dispose();
    });

    [Fact]
    public void ThreadsThatWantTheSameIovasTakeTurns()
    {
        using var iommu = new Iommu();
        using HostMemory memory = HostMemory.Allocate(16 * Page);
        var user = new MemoryTally();
        var owner = new PinOwner(OwnMemory.Instance, user, () => long.MaxValue, AccountMode.User);
        using Domain domain = iommu.CreateDomain();
        var ioas = new Ioas();
        Assert.Equal(IoasStatus.Success, ioas.AddDomain(domain));
        using DmaPort port = iommu.OpenPort();
        long maps = 0;
        long unmaps = 0;
        Action work = () =>
        {
            for (int i = 0; i < 8_000; i++)
            {
                ulong iova = Base;
                IoasStatus status = ioas.Map(owner, memory.Address, 2 * Page, ref iova, Permission.ReadWrite, fixedIova: true);
                Assert.True(status is IoasStatus.Success or IoasStatus.AlreadyMapped, $"{status}");
                Interlocked.Add(ref maps, status == IoasStatus.Success ? 1 : 0);
                status = ioas.Unmap(Base, 2 * Page, out ulong bytes);
                Assert.True(status is IoasStatus.Success or IoasStatus.Busy, $"{status}");
                Interlocked.Add(ref unmaps, bytes == 0 ? 0 : 1);
            }
        };
        Crew.Run(work, work, work);
        Assert.Equal(IoasStatus.Success, ioas.UnmapAll(out ulong rest));
        Assert.Equal(maps, unmaps + (rest == 0 ? 0 : 1));
        Assert.Equal(0, user.LockedPages);
        ioas.RemoveDomain(domain);
        ioas.Dispose();
    }

    private static void Work(Ioas ioas, PinOwner owner, HostMemory memory, Random random, int thread)
    {
        // Each thread has iovas of its own; the page behind an iova is always the one with its number.
        var mapped = new List<IovaSpan>();
        for (int i = 0; i < 120; i++)
        {
            ulong page = ((ulong)thread * 64) + (ulong)random.Next(60);
            ulong count = 1 + (ulong)random.Next(4);
            ulong iova = Base + (page * Page);
            var span = IovaSpan.Of(iova, count * Page);
            bool isFree = !mapped.Exists(m => m.Overlaps(span));
            switch (random.Next(5))
            {
                case 0 or 1:
                    IoasStatus status = ioas.Map(owner, memory.Address + (nuint)(page * Page), count * Page, ref iova, Permission.ReadWrite, fixedIova: true);
                    if (isFree && status == IoasStatus.Success)
                    {
                        mapped.Add(span);
                    }
                    else
                    {
                        Assert.Equal(IoasStatus.AlreadyMapped, status);
                    }

                    break;
                case 2 when mapped.Count != 0:
                    // A copy elsewhere and away again: the pins are shared.
                    IovaSpan source = mapped[random.Next(mapped.Count)];
                    ulong to = Base + (1UL << 30) + ((ulong)thread << 20);
                    Assert.Equal(IoasStatus.Success, ioas.Copy(ioas, source.First, source.LengthLessOne + 1, ref to, Permission.Read, fixedIova: true));
                    Assert.Equal(IoasStatus.Success, ioas.Unmap(to, source.LengthLessOne + 1, out _));
                    break;
                case 3 or 4 when mapped.Count != 0:
                    int index = random.Next(mapped.Count);
                    Assert.Equal(IoasStatus.Success, ioas.Unmap(mapped[index].First, mapped[index].LengthLessOne + 1, out ulong bytes));
                    Assert.Equal(mapped[index].LengthLessOne + 1, bytes);
                    mapped.RemoveAt(index);
                    break;
                default:
                    break;
            }
        }

        // What is left is another round's obstacle: the thread takes it away at the end.
        foreach (IovaSpan span in mapped)
        {
            Assert.Equal(IoasStatus.Success, ioas.Unmap(span.First, span.LengthLessOne + 1, out _));
        }
    }

    /// <summary>A device that reads pages all the time and checks that each is the one that its iova stands for.</summary>
    private sealed class DeviceThread : IDisposable
    {
        private readonly DmaPort _port;
        private readonly Thread _thread;
        private volatile bool _stop;
        private volatile string? _wrong;

        internal DeviceThread(Iommu iommu, Domain domain, HostMemory memory)
        {
            _port = iommu.OpenPort();
            _port.Attach(domain);
            _thread = new Thread(() => Run(memory)) { IsBackground = true };
            _thread.Start();
        }

        public void Dispose()
        {
            _stop = true;
            _thread.Join();
            _port.Dispose();
        }

        internal void AssertWell() => Assert.Null(_wrong);

        private void Run(HostMemory memory)
        {
            var random = new Random(99);
            while (!_stop)
            {
                using DmaScope scope = _port.Enter();
                for (int i = 0; i < 64; i++)
                {
                    ulong page = (ulong)random.Next(192);
                    if (scope.TryTranslate(Base + (page * Page), Permission.Read, out nuint host))
                    {
                        ulong expected = memory.Address + (page * Page);
                        if (host != expected)
                        {
                            _wrong = $"Page {page} is at 0x{expected:x}, and was translated to 0x{(ulong)host:x}.";
                        }
                    }
                }
            }
        }
    }
}
