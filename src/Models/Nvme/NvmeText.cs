using System.Text;

namespace FastIova;

/// <summary>Texts in Identify pages: ASCII, filled with blanks.</summary>
internal static class NvmeText
{
    internal const string Firmware = "1.0";
    internal const string Model = "FastIova NVMe controller";

    internal static void Write(Span<byte> field, string text)
    {
        field.Fill((byte)' ');
        _ = Encoding.ASCII.GetBytes(text, field);
    }
}
