namespace FastIova;

/// <summary>Places and bits in the configuration space of an ordinary function (PCI 3.0, chapter 6; PCIe 6.0, chapter 7).</summary>
internal static class PciRegister
{
    internal const int Vendor = 0x00;
    internal const int Device = 0x02;
    internal const int Command = 0x04;
    internal const int Status = 0x06;
    internal const int Revision = 0x08;
    internal const int CacheLine = 0x0C;
    internal const int Bars = 0x10;
    internal const int SubsystemVendor = 0x2C;
    internal const int Subsystem = 0x2E;
    internal const int Capabilities = 0x34;
    internal const int InterruptLine = 0x3C;
    internal const int InterruptPin = 0x3D;
    internal const int FirstCapability = 0x40;

    internal const int CommandIo = 1 << 0;
    internal const int CommandMemory = 1 << 1;
    internal const int CommandBusMaster = 1 << 2;
    internal const int CommandParity = 1 << 6;
    internal const int CommandSystemError = 1 << 8;
    internal const int CommandIntxDisable = 1 << 10;

    internal const int StatusIntx = 1 << 3;
    internal const int StatusCapabilities = 1 << 4;

    internal const byte PowerId = 0x01;
    internal const byte MsiId = 0x05;
    internal const byte ExpressId = 0x10;
    internal const byte MsixId = 0x11;
    internal const byte AdvancedFeaturesId = 0x13;

    internal const int MsiEnable = 1 << 0;
    internal const int Msi64Bit = 1 << 7;
    internal const int MsiMaskable = 1 << 8;
    internal const int MsixFunctionMask = 1 << 14;
    internal const int MsixEnable = 1 << 15;
    internal const int ExpressReset = 1 << 15;
}
