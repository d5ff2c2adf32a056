namespace FastIova.Tests;

/// <summary>A model that remembers every call and answers reads with the offset.</summary>
internal sealed class RegisterModel(PciFunctionLayout layout) : IPciDeviceModel
{
    internal List<string> Calls { get; } = [];

    internal PciDeviceHost? Host { get; private set; }

    internal bool IsDisposed { get; private set; }

    public PciFunctionLayout Layout { get; } = layout;

    public void Connect(PciDeviceHost host) => Host = host;

    public void ReadBar(int bar, ulong offset, Span<byte> data)
    {
        Calls.Add($"read {bar} 0x{offset:x} {data.Length}");
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = (byte)(offset + (ulong)i);
        }
    }

    public void WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data) => Calls.Add($"write {bar} 0x{offset:x} {Convert.ToHexStringLower(data)}");

    public void Reset() => Calls.Add("reset");

    public void BarMapped(int bar, bool isMapped) => Calls.Add($"mapped {bar} {isMapped}");

    public void Dispose() => IsDisposed = true;
}
