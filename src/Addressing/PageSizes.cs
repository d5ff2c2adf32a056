using System.Numerics;

namespace FastIova;

/// <summary>A set of page sizes as a bitmap: bit <c>n</c> is set when pages of <c>2^n</c> bytes exist.</summary>
/// <param name="Bitmap">The bits.</param>
public readonly record struct PageSizes(ulong Bitmap)
{
    /// <summary>The smallest size in bytes.</summary>
    public ulong Smallest => Bitmap & (0 - Bitmap);

    /// <summary>The log2 of the smallest size.</summary>
    public int SmallestLg2 => BitOperations.TrailingZeroCount(Bitmap);

    /// <summary>
    /// The log2 of the largest page that (1) exists, (2) is aligned to both <paramref name="iova"/> and
    /// <paramref name="host"/>, and (3) ends no later than <paramref name="lengthLessOne"/> bytes after the start.
    /// </summary>
    /// <param name="iova">A multiple of <see cref="Smallest"/>.</param>
    /// <param name="host">A multiple of <see cref="Smallest"/>.</param>
    /// <param name="lengthLessOne">The bytes that are left, less one; at least <see cref="Smallest"/> less one.</param>
    /// <returns>The log2 of the size.</returns>
    public int LargestLg2(ulong iova, ulong host, ulong lengthLessOne)
    {
        // Sizes up to the alignment of both addresses: bits at and below the lowest set bit of their union.
        ulong union = iova | host;
        ulong aligned = union ^ (union - 1);

        // Sizes 2^n with 2^n - 1 <= lengthLessOne: the bits at and below log2(length).
        int fitLg2 = lengthLessOne == ulong.MaxValue ? 63 : BitOperations.Log2(lengthLessOne + 1);
        ulong fitting = ulong.MaxValue >> (63 - fitLg2);
        return BitOperations.Log2(Bitmap & aligned & fitting);
    }
}
