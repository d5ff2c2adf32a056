using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Many threads on one context: whatever they do to each other, nothing breaks and nothing is left.</summary>
public sealed class ConcurrencyTests
{
    private const int Threads = 4;

    // What may happen to a call whose objects others destroy, move and map meanwhile.
    private static readonly Errno[] Expected =
    [
        Errno.Success, Errno.NotFound, Errno.Busy, Errno.AlreadyExists, Errno.Invalid, Errno.AddressInUse, Errno.NoSpace, Errno.NotSupported,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void DestroyingAndUsingTheSameObjectsIsSafe(int seed)
    {
        using var engine = new Engine(new EngineOptions { Level = UapiLevel.Linux612 });
        using UserPages memory = new(64);
        IommufdContext context = engine.OpenIommufd();
        Exception? failure = null;
        using var start = new Barrier(Threads);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            try
            {
                var random = new Random((seed * 100) + number);
                using DmaPort port = engine.Iommu.OpenPort();
                using IommufdDevice device = context.Bind(port, new DeviceOptions { Domain = new DomainOptions { HugePageTables = false } });
                start.SignalAndWait(TestContext.Current.CancellationToken);
                for (int i = 0; i < 3000; i++)
                {
                    Step(context, device, port, random, memory);
                }
            }
            catch (Exception problem)
            {
                failure = problem;
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Null(failure);
        foreach (UapiObject one in context.Objects.Published())
        {
            Assert.True(one is IoasObject or PagingHwpt, $"{one.Kind} {one.Id} is left.");
            Assert.True(one.HasOnlyTheTableAsHolder, $"{one.Kind} {one.Id} is still held.");
        }

        context.Dispose();
        Assert.Equal(0, engine.OpenContexts);
        Assert.True(context.Objects.IsEmpty);
        for (ulong page = memory.Address; page < memory.End; page += 4096)
        {
            Assert.True(OwnMemory.Instance.TryIdentify(page, out PageIdentity identity));
            Assert.Equal(0, PinLedger.CountPins(identity));
        }
    }

    private static void Step(IommufdContext context, IommufdDevice device, DmaPort port, Random random, UserPages memory)
    {
        uint ioas = (uint)random.Next(1, 12);
        ulong iova = 0x10_0000 + ((ulong)random.Next(32) << 12);
        ulong host = memory.Address + ((ulong)random.Next(32) << 12);
        ulong length = (ulong)random.Next(1, 8) << 12;
        switch (random.Next(10))
        {
            case 0 when context.Objects.Published().Count(one => one is IoasObject) < 4:
                context.AllocateIoas();
                break;

            case 1:
                Try(() => context.Destroy(new IoasId(ioas)));
                break;

            case 2 or 3:
                Try(() => context.MapAt(new IoasId(ioas), iova, (nuint)host, length, Permission.ReadWrite));
                break;

            case 4:
                Try(() => context.Unmap(new IoasId(ioas), iova, length));
                break;

            case 5:
                Try(() => context.Copy(new IoasId(ioas), iova, length, new IoasId((uint)random.Next(1, 12)), Permission.Read));
                break;

            case 6:
                Try(() => device.Attach(new IoasId(ioas)));
                break;

            case 7:
                device.Detach();
                break;

            case 8:
                Try(() => device.Attach(context.AllocateHwpt(new IoasId(ioas), device)));
                break;

            default:
                using (DmaScope scope = port.Enter())
                {
                    if (scope.TryTranslate(iova, Permission.Read, out nuint translated))
                    {
                        Assert.InRange(translated, memory.Address, memory.End - 1);
                    }
                }

                break;
        }
    }

    private static void Try(Action call)
    {
        try
        {
            call();
        }
        catch (IommufdException refused) when (Expected.Contains(refused.Errno))
        {
            // Another thread was there first.
        }
    }
}
