using System.Globalization;

namespace FastIova;

/// <summary>A number of bytes as people write it: digits, and K, M, G or T behind them for powers of 1,024.</summary>
internal static class ByteSize
{
    /// <summary>Reads the written form.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="largest">The most bytes there may be.</param>
    /// <param name="bytes">The number.</param>
    /// <returns>False when it is no number, or too large.</returns>
    internal static bool TryParse(string text, ulong largest, out ulong bytes)
    {
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch
        {
            'K' => 10,
            'M' => 20,
            'G' => 30,
            'T' => 40,
            _ => 0,
        };
        bool good = ulong.TryParse(shift == 0 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number <= largest >> shift;
        bytes = good ? number << shift : 0;
        return good;
    }
}
