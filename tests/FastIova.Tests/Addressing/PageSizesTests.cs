using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed class PageSizesTests
{
    [Fact]
    public void TheLargestPageIsTheOneThatTheThreeConditionsAllow() => Seeded.Run(2, random =>
    {
        int[] smallest = [0, 11, 12, 14, 16];
        for (int i = 0; i < 50_000; i++)
        {
            int smallestLg2 = random.Pick<int>(smallest);
            ulong bitmap = (random.NextWord() | (1UL << smallestLg2)) & ~((1UL << smallestLg2) - 1);
            bitmap = random.Chance(50) ? bitmap & (random.NextWord() | (1UL << smallestLg2)) : bitmap;
            var sizes = new PageSizes(bitmap);
            ulong iova = Aligned();
            ulong host = Aligned();
            ulong lengthLessOne = Math.Max(random.NextWord() >> random.Next(64), sizes.Smallest - 1);
            lengthLessOne = random.Chance(20) ? ((1UL << random.Next(smallestLg2, 64)) - 1) : lengthLessOne;
            lengthLessOne = random.Chance(5) ? ulong.MaxValue : lengthLessOne;
            Assert.Equal(Brute(bitmap, iova, host, lengthLessOne), sizes.LargestLg2(iova, host, lengthLessOne));
            Assert.Equal(smallestLg2, sizes.SmallestLg2);
            Assert.Equal(1UL << smallestLg2, sizes.Smallest);

            ulong Aligned()
            {
                ulong word = random.NextWord() << random.Next(64);
                return (random.Chance(10) ? 0 : word) & ~(sizes.Smallest - 1);
            }
        }
    });

    private static int Brute(ulong bitmap, ulong iova, ulong host, ulong lengthLessOne)
    {
        for (int lg2 = 63; lg2 >= 0; lg2--)
        {
            ulong mask = (1UL << lg2) - 1;
            bool exists = (bitmap >> lg2 & 1) != 0;
            if (exists && (iova & mask) == 0 && (host & mask) == 0 && mask <= lengthLessOne)
            {
                return lg2;
            }
        }

        return -1;
    }
}
