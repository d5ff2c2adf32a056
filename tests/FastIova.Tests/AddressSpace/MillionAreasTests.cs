using Xunit;

namespace FastIova.Tests.AddressSpace;

public sealed class MillionAreasTests
{
    [Fact]
    public void AMillionAreasAreMappedAndTakenAway()
    {
        const int count = 1_000_000;
        using var iommu = new Iommu();
        using HostMemory memory = HostMemory.Allocate(1UL << 22);
        var user = new MemoryTally();
        var owner = new PinOwner(OwnMemory.Instance, user, () => long.MaxValue, AccountMode.User);
        using Domain domain = iommu.CreateDomain();
        using var ioas = new Ioas();
        Assert.Equal(IoasStatus.Success, ioas.AddDomain(domain));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (uint i = 0; i < count; i++)
        {
            ulong iova = (1UL << 32) + ((ulong)(i * 2_654_435_761U % count) << 13);
            ulong address = memory.Address + ((ulong)(i % 1024) << 12);
            IoasStatus status = ioas.Map(owner, address, 4096, ref iova, Permission.ReadWrite, fixedIova: true);
            Assert.True(status is IoasStatus.Success or IoasStatus.AlreadyMapped);
        }

        for (uint i = 0; i < count; i++)
        {
            ulong iova = (1UL << 32) + ((ulong)i << 13);
            _ = ioas.Map(owner, memory.Address, 4096, ref iova, Permission.ReadWrite, fixedIova: true);
        }

        Assert.Equal(count, ioas.AreaCount);
        Assert.Equal(count, user.LockedPages);
        long bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / count;
        Assert.InRange(bytes, 1, 300);

        // The lowest hole that two pages fit into lies behind all of them or below.
        ulong found = 0;
        Assert.Equal(IoasStatus.Success, ioas.SetAllowed([new IovaSpan(1UL << 32, (1UL << 47) - 1)]));
        Assert.Equal(IoasStatus.Success, ioas.Map(owner, memory.Address, 8192, ref found, Permission.ReadWrite, fixedIova: false));
        Assert.Equal((1UL << 32) + ((ulong)count << 13), found);
        Assert.Equal(IoasStatus.Success, ioas.UnmapAll(out ulong unmapped));
        Assert.Equal(((ulong)count + 2) << 12, unmapped);
        Assert.Equal(0UL, domain.MappedBytes);
        Assert.Equal(0, user.LockedPages);
        ioas.RemoveDomain(domain);
    }
}
