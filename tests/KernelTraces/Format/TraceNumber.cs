using System.Globalization;

namespace FastIova.KernelTraces;

/// <summary>Numbers as traces write them.</summary>
internal static class TraceNumber
{
    /// <summary>Reads a decimal number, or a hexadecimal one after 0x.</summary>
    internal static ulong Parse(string text)
    {
        bool isHexadecimal = text.StartsWith("0x", StringComparison.Ordinal);
        return ulong.TryParse(
            isHexadecimal ? text.AsSpan(2) : text,
            isHexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture,
            out ulong number)
            ? number
            : throw new FormatException($"\"{text}\" is no number.");
    }

    /// <summary>Reads hexadecimal words with colons between them.</summary>
    internal static ulong[] ParseWords(string text)
    {
        string[] words = text.Split(':');
        ulong[] numbers = new ulong[words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            if (!ulong.TryParse(words[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out numbers[i]))
            {
                throw new FormatException($"\"{text}\" is no list of words.");
            }
        }

        return numbers;
    }

    internal static string Print(FieldKind kind, ulong value) => kind == FieldKind.Id
        ? ((uint)value).ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");

    internal static string PrintWords(ReadOnlySpan<ulong> words)
    {
        var text = new System.Text.StringBuilder(words.Length * 17);
        for (int i = 0; i < words.Length; i++)
        {
            text.Append(i == 0 ? string.Empty : ":").Append(CultureInfo.InvariantCulture, $"{words[i]:x}");
        }

        return text.ToString();
    }
}
