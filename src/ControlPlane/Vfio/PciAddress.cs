using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace FastIova;

/// <summary>Where a PCI function is: segment, bus, device and function, written <c>0000:01:00.0</c>.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="Bus">The bus.</param>
/// <param name="Devfn">The device, of five bits, and the function, of three.</param>
internal readonly record struct PciAddress(ushort Segment, byte Bus, byte Devfn)
{
    /// <summary>The number that its requests carry.</summary>
    internal uint RequesterId => ((uint)Bus << 8) | Devfn;

    /// <summary>Reads the written form.</summary>
    internal static bool TryParse([NotNullWhen(true)] string? text, out PciAddress address)
    {
        address = default;
        const int Length = 12;
        if (text is not { Length: Length } || text[4] != ':' || text[7] != ':' || text[10] != '.'
            || !TryParse(text.AsSpan(0, 4), out uint segment) || !TryParse(text.AsSpan(5, 2), out uint bus)
            || !TryParse(text.AsSpan(8, 2), out uint device) || !TryParse(text.AsSpan(11), out uint function)
            || device > 31 || function > 7)
        {
            return false;
        }

        address = new PciAddress((ushort)segment, (byte)bus, (byte)((device << 3) | function));
        return true;
    }

    /// <summary>The written form.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Segment:x4}:{Bus:x2}:{Devfn >> 3:x2}.{Devfn & 7}");

    private static bool TryParse(ReadOnlySpan<char> digits, out uint value) =>
        uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
