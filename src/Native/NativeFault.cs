using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>struct fi_fault.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeFault
{
    internal ulong Iova;
    internal uint Device;
    internal uint Pasid;
    internal byte Reason;
    internal byte Wanted;
    internal ushort Reserved0;
    internal uint Reserved1;

    internal static NativeFault Of(in Fault fault) => new()
    {
        Iova = fault.Iova,
        Device = fault.Device,
        Pasid = fault.Pasid,
        Reason = (byte)fault.Reason,
        Wanted = (byte)fault.Wanted,
    };
}
