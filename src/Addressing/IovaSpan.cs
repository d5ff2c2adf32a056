using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace FastIova;

/// <summary>
/// A closed, non-empty range of I/O virtual addresses. <see cref="Last"/> is inclusive, so the span that ends at the
/// very top of the address space is as ordinary as any other.
/// </summary>
/// <param name="First">The lowest address.</param>
/// <param name="Last">The highest address, inclusive; never below <paramref name="First"/>.</param>
public readonly record struct IovaSpan(ulong First, ulong Last)
{
    /// <summary>The bytes in the span less one; the length itself of the whole 64-bit space does not fit in 64 bits.</summary>
    public ulong LengthLessOne => Last - First;

    /// <summary>The bytes in the span.</summary>
    public UInt128 Length => (UInt128)LengthLessOne + 1;

    /// <summary>Builds the span of <paramref name="length"/> bytes from <paramref name="first"/>; the one place where the overflow is checked.</summary>
    /// <param name="first">The lowest address.</param>
    /// <param name="length">Bytes; zero makes no span.</param>
    /// <param name="span">The span, or the default.</param>
    /// <returns>False when the length is zero or the range wraps past the last 64-bit address.</returns>
    public static bool TryCreate(ulong first, ulong length, [NotNullWhen(true)] out IovaSpan span)
    {
        ulong last = first + length - 1;
        if (length == 0 || last < first)
        {
            span = default;
            return false;
        }

        span = new IovaSpan(first, last);
        return true;
    }

    /// <summary>Builds the span of <paramref name="length"/> bytes from <paramref name="first"/>.</summary>
    /// <param name="first">The lowest address.</param>
    /// <param name="length">Bytes, at least one.</param>
    /// <returns>The span.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is zero, or the range wraps past the last 64-bit address.</exception>
    public static IovaSpan Of(ulong first, ulong length)
    {
        if (TryCreate(first, length, out IovaSpan span))
        {
            return span;
        }

        throw new ArgumentOutOfRangeException(
            nameof(length),
            length,
            length == 0
                ? $"The span from IOVA 0x{first:x} is empty: a span holds at least one byte."
                : $"The span of 0x{length:x} bytes from IOVA 0x{first:x} wraps past 2^64: shorten it to at most 0x{0 - first:x} bytes.");
    }

    /// <summary>Whether the address lies in the span.</summary>
    /// <param name="iova">Any address.</param>
    /// <returns>True when it does.</returns>
    public bool Contains(ulong iova) => iova - First <= LengthLessOne;

    /// <summary>Whether every address of <paramref name="other"/> lies in this span.</summary>
    /// <param name="other">Any span.</param>
    /// <returns>True when it does.</returns>
    public bool Contains(IovaSpan other) => other.First >= First && other.Last <= Last;

    /// <summary>Whether the two spans share an address.</summary>
    /// <param name="other">Any span.</param>
    /// <returns>True when they do.</returns>
    public bool Overlaps(IovaSpan other) => First <= other.Last && other.First <= Last;

    /// <summary>The span as <c>[0xfirst, 0xlast]</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[0x{First:x}, 0x{Last:x}]");
}
