using Xunit;

namespace FastIova.Tests;

public sealed unsafe class FrameArenaTests
{
    [Fact]
    public void AnArenaOfManyChunksStillGrowsByLargeOnes()
    {
        using var arena = new FrameArena(64 << 10, hugePages: false);
        int jumps = 0;
        ulong* before = null;
        for (int i = 0; i < 80_000; i++)
        {
            // Untouched: address space only.
            ulong* frame = arena.TryTake();
            Assert.True(frame != null);
            jumps += (byte*)frame == (byte*)before + (64 << 10) ? 0 : 1;
            before = frame;
        }

        Assert.InRange(jumps, 0, 90);
        Assert.Equal(80_000UL, arena.FramesInUse);
    }

    [Fact]
    public void AFrameThatComesBackIsGivenOutAgainAsZeros()
    {
        using var arena = new FrameArena(4096, hugePages: false);
        ulong* one = arena.TryTake();
        ulong* two = arena.TryTake();
        Assert.True(one != two && two != null);
        arena.Return(one);
        arena.Return(two);
        Assert.Equal(0UL, arena.FramesInUse);
        for (int i = 0; i < 2; i++)
        {
            ulong* again = arena.TryTake();
            Assert.True(again == one || again == two);
            Assert.Equal(-1, new ReadOnlySpan<ulong>(again, 512).IndexOfAnyExcept(0UL));
        }

        Assert.Equal(2UL, arena.FramesTouched);
    }

    [Fact]
    public void TrimGivesNothingBackWhileAFrameIsOut()
    {
        using var arena = new FrameArena(4096, hugePages: false);
        ulong* frame = arena.TryTake();
        arena.Trim();
        *frame = 7;
        Assert.Equal(1UL, arena.FramesTouched);
        *frame = 0;
        arena.Return(frame);
        arena.Trim();
        Assert.Equal(0UL, arena.FramesTouched);
    }
}
