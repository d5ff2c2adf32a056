using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A device model whose behaviour is functions of a C program.</summary>
/// <remarks>
/// <para>Owns: nothing of C's; says by the last callback that it is used no more.</para>
/// <para>Threads: the callbacks come one at a time, on the thread of whoever drives the function. Teardown: the callback closed comes last and once.</para>
/// </remarks>
internal sealed unsafe class CallbackModel(PciFunctionLayout layout, in CallbackModel.Callbacks calls) : IPciDeviceModel
{
    // SAFETY: the C program promises that its functions and what they are given stay until closed; none of them unwinds.
    private readonly Callbacks _calls = calls;
    private bool _closed;

    public PciFunctionLayout Layout { get; } = layout;

    /// <summary>What the model acts through; null until the function is made.</summary>
    internal PciDeviceHost? Host { get; private set; }

    public void Connect(PciDeviceHost host) => Host = host;

    public void ReadBar(int bar, ulong offset, Span<byte> data)
    {
        data.Clear();
        fixed (byte* to = data)
        {
            _calls.ReadBar(_calls.Opaque, (uint)bar, offset, to, (uint)data.Length);
        }
    }

    public void WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        fixed (byte* from = data)
        {
            _calls.WriteBar(_calls.Opaque, (uint)bar, offset, from, (uint)data.Length);
        }
    }

    public void Reset()
    {
        if (_calls.Reset != null)
        {
            _calls.Reset(_calls.Opaque);
        }
    }

    public void BarMapped(int bar, bool isMapped)
    {
        if (_calls.BarMapped != null)
        {
            _calls.BarMapped(_calls.Opaque, (uint)bar, isMapped ? 1 : 0);
        }
    }

    public void Dispose()
    {
        if (!_closed && _calls.Closed != null)
        {
            _closed = true;
            _calls.Closed(_calls.Opaque);
        }
    }

    /// <summary>struct fi_pci_model.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Callbacks
    {
        internal uint Size;
        internal uint Reserved;
        internal void* Opaque;
        internal delegate* unmanaged<void*, uint, ulong, void*, uint, void> ReadBar;
        internal delegate* unmanaged<void*, uint, ulong, void*, uint, void> WriteBar;
        internal delegate* unmanaged<void*, void> Reset;
        internal delegate* unmanaged<void*, uint, int, void> BarMapped;
        internal delegate* unmanaged<void*, void> Closed;
    }
}
