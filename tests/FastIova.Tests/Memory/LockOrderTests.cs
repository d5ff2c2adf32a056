using Xunit;

namespace FastIova.Tests.Memory;

/// <summary>The checks exist in checked builds only; in the others every call is left out.</summary>
public sealed class LockOrderTests
{
#if FASTIOVA_CHECKED
    [Fact]
    public void ALockBelowAHeldOneIsRefusedBeforeItIsTaken()
    {
        var domain = new WriterLock(LockRank.Domain);
        var pages = new WriterLock(LockRank.Pages);
        using (domain.Enter())
        {
            InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() =>
            {
                using WriterLock.Holder holder = pages.Enter();
            });
            Assert.Contains("Pages", refused.Message, StringComparison.Ordinal);
            Assert.Contains("Domain", refused.Message, StringComparison.Ordinal);
        }

        using (pages.Enter())
        {
            using WriterLock.Holder inner = domain.Enter();
        }
    }

    [Fact]
    public void TwoLocksOfOneRankAreRefused()
    {
        var first = new WriterLock(LockRank.Domain);
        var second = new WriterLock(LockRank.Domain);
        using WriterLock.Holder holder = first.Enter();
        Assert.Throws<InvalidOperationException>(() =>
        {
            using WriterLock.Holder other = second.Enter();
        });
    }

    [Fact]
    public void AnAssertionNamesWhatIsHeld()
    {
        Assert.Throws<InvalidOperationException>(() => LockOrder.AssertHeld(LockRank.Areas));
        LockOrder.AssertNoneFrom(LockRank.Hwpts);
        LockOrder.Enter(LockRank.Areas);
        LockOrder.AssertHeld(LockRank.Areas);
        LockOrder.AssertNoneFrom(LockRank.Pages);
        Assert.Contains("Areas", Assert.Throws<InvalidOperationException>(() => LockOrder.AssertNoneFrom(LockRank.Areas)).Message, StringComparison.Ordinal);
        LockOrder.Leave(LockRank.Areas);
        Assert.Throws<InvalidOperationException>(() => LockOrder.Leave(LockRank.Areas));
    }
#else
    [Fact]
    public void NothingOfTheChecksIsLeftInThisBuild()
    {
        LockOrder.Enter(LockRank.Arena);
        LockOrder.Enter(LockRank.Hwpts);
        LockOrder.Leave(LockRank.Pages);
        LockOrder.AssertHeld(LockRank.Pages);
        LockOrder.AssertNoneFrom(LockRank.Hwpts);
    }
#endif
}
