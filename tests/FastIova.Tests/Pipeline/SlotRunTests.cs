using Xunit;

namespace FastIova.Tests.Pipeline;

public sealed unsafe class SlotRunTests
{
    private const int Page = 4096;
    private const int Rounds = 500;

    // A freed slot may be another thread's at once (SlotRun I5). The last slot lies in a page that is not there, so that writing to it
    // lasts long enough for the rival to publish in the slot before; a second write to that one would wipe its request out.
    [Theory]
    [InlineData(9)]
    [InlineData(13)]
    [InlineData(100)]
    [InlineData(257)]
    public void ASlotIsFreedOnce(int count)
    {
        using VirtualMemory memory = VirtualMemory.Reserve(2 * Page, hugePages: false);
        // SAFETY: the run begins in the first page and has its last word in the second.
        ulong* slots = (ulong*)(memory.Start + Page) - (count - 1);
        ulong* contested = slots + count - 2;
        int published = 0;
        *contested = RequestWord.TurnMask;
        var rival = new Thread(() =>
        {
            for (int round = 1; round <= Rounds; round++)
            {
                SpinUntil(() => Volatile.Read(ref *contested) == RequestWord.Free);
                Volatile.Write(ref *contested, RequestWord.Present);
                Volatile.Write(ref published, round);
            }
        });
        rival.Start();
        int wiped = 0;
        for (int round = 1; round <= Rounds; round++)
        {
            for (int i = 0; i < count; i++)
            {
                Volatile.Write(ref slots[i], RequestWord.TurnMask);
            }

            memory.Discard(Page, Page);
            SlotRun.Free(slots, count);
            SpinUntil(() => Volatile.Read(ref published) >= round);
            wiped += *contested == RequestWord.Present ? 0 : 1;
        }

        rival.Join();
        Assert.Equal(0, wiped);
    }

    private static void SpinUntil(Func<bool> condition)
    {
        var spin = new SpinWait();
        while (!condition())
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }
}
