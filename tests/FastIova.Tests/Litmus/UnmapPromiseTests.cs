using Xunit;

namespace FastIova.Tests.Litmus;

/// <summary>What the race of tests/Litmus and its reading found, once more without chance.</summary>
public sealed class UnmapPromiseTests
{
    private const ulong Large = 2UL << 20;
    private const ulong Huge = 1UL << 30;
    private const ulong Page = 4096;

    [Fact]
    public void ARangeReachesNoFurtherThanThePageThatWasTranslated()
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain();
        using HostMemory old = HostMemory.Allocate(Page);
        using HostMemory successor = HostMemory.Allocate(Large);
        domain.Map(0, old.Address, Page, Permission.ReadWrite);
        using DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        var segments = new HostSegment[4];
        Thread unmap;
        using (port.Enter())
        {
            Assert.True(port.TryTranslate(0, Permission.Read, out _));
            unmap = new Thread(() => domain.Unmap(0, Page));
            unmap.Start();

            // The unmap waits for this scope; its table words are free before it returns.
            Assert.True(SpinWait.SpinUntil(
                () => domain.TryMap(0, successor, 0, Large, Permission.ReadWrite) == MapStatus.Success,
                TimeSpan.FromSeconds(30)));
            ulong done = port.TranslateRange(0, Large, Permission.Read, segments, out int count, out _);
            ulong at = 0;
            for (int i = 0; i < count; at += segments[i++].Length)
            {
                bool isOld = segments[i].Address == old.Address && segments[i].Length <= Page;
                Assert.True(isOld || successor.Contains(segments[i].Address - successor.Address, segments[i].Length), $"{segments[i]} lies in no memory that was mapped");
            }

            Assert.Equal(done, at);
        }

        unmap.Join();
        port.Dispose();
    }

    [Fact]
    public void ARangeToWriteMarksEveryPageOfAHugePage()
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain();
        using HostMemory memory = HostMemory.Allocate(2 * Huge);
        ulong offset = (0 - memory.Address) & (Huge - 1);
        Assert.Equal(MapStatus.Success, domain.TryMap(0, memory, offset, Huge, Permission.ReadWrite));
        domain.TrackDirty(true);
        using DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        Assert.Equal(Huge, port.TranslateRange(0, Huge, Permission.Write, new HostSegment[1], out _, out _));
        Assert.Equal(Huge / Page, domain.ReadDirty(0, Huge, 12, new ulong[Huge / Page / 64], clear: true));
        port.Dispose();
    }

    [Fact]
    public void AnUnmapOfNothingFreesNoTableThatAReaderMayWalk()
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain();
        using HostMemory memory = HostMemory.Allocate(Large);
        domain.Map(0, memory.Address, Page, Permission.Read);
        _ = domain.Unmap(0, Page);
        using DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        using (port.Enter())
        {
            // The large page takes the place of the empty leaf table, which this scope may be walking through.
            domain.Map(0, memory.Address, Large, Permission.Read);
            Assert.Equal(MapStatus.Success, domain.TryUnmap([], out ulong bytes, out _));
            Assert.Equal(0UL, bytes);
            Assert.Equal(1UL, domain.TableFrames);
        }

        _ = domain.Trim();
        Assert.Equal(0UL, domain.TableFrames);
        port.Dispose();
    }

    [Theory]
    [InlineData(Page)]
    [InlineData(Large)]
    public void AWriteAfterAMarkWasClearedIsMarkedAgainWhicheverPartWasAskedFor(ulong length)
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain();
        using HostMemory memory = HostMemory.Allocate(Large);
        domain.Map(0, memory.Address, Large, Permission.ReadWrite);
        domain.TrackDirty(true);
        using DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        for (int i = 0; i < 3; i++)
        {
            Assert.True(port.Write(5 * Page, [1], out _));

            // Whichever part is asked for first: what is not reported with it is reported with the whole.
            ulong[] bitmap = new ulong[8];
            domain.ReadDirty(0, length, 12, bitmap, clear: true);
            domain.ReadDirty(0, Large, 12, bitmap, clear: true);
            Assert.NotEqual(0UL, bitmap[0] & (1UL << 5));
        }

        port.Dispose();
    }

    [Fact]
    public void AMarkThatIsClearedIntoABitThatIsSetAlreadyIsMadeAgain()
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain();
        using HostMemory memory = HostMemory.Allocate(Page);
        domain.Map(0, memory.Address, Page, Permission.ReadWrite);
        domain.TrackDirty(true);
        using DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        ulong[] bitmap = [ulong.MaxValue];
        Assert.True(port.Write(0, [1], out _));
        Assert.Equal(0UL, domain.ReadDirty(0, Page, 12, bitmap, clear: true));
        Assert.True(port.Write(0, [2], out _));
        Assert.Equal(1UL, domain.ReadDirty(0, Page, 12, new ulong[1], clear: true));
        port.Dispose();
    }
}
