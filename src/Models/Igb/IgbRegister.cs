namespace FastIova;

/// <summary>Places and bits of the controller's registers (Intel 82576 datasheet, chapter 8), of queue 0 each way.</summary>
internal static class IgbRegister
{
    internal const int BarBytes = 128 << 10;

    internal const int Control = 0x0000;
    internal const int Status = 0x0008;
    internal const int Eeprom = 0x0010;
    internal const int ControlExtended = 0x0018;
    internal const int Mdi = 0x0020;
    internal const int MaskClearAll = 0x00D8;
    internal const int Receive = 0x0100;
    internal const int Transmit = 0x0400;
    internal const int InterruptEnable = 0x1514;
    internal const int CauseSet = 0x1520;
    internal const int MaskSet = 0x1524;
    internal const int MaskClear = 0x1528;
    internal const int AutoClear = 0x152C;
    internal const int AutoMask = 0x1530;
    internal const int Cause = 0x1580;
    internal const int Vectors = 0x1700;
    internal const int ReceiveBase = 0x2800;
    internal const int ReceiveBaseHigh = 0x2804;
    internal const int ReceiveBytes = 0x2808;
    internal const int ReceiveSplit = 0x280C;
    internal const int ReceiveHead = 0x2810;
    internal const int ReceiveTail = 0x2818;
    internal const int ReceiveQueue = 0x2828;
    internal const int TransmitBase = 0x3800;
    internal const int TransmitBaseHigh = 0x3804;
    internal const int TransmitBytes = 0x3808;
    internal const int TransmitHead = 0x3810;
    internal const int TransmitTail = 0x3818;
    internal const int TransmitQueue = 0x3828;
    internal const int AddressLow = 0x5400;
    internal const int AddressHigh = 0x5404;
    internal const int Express = 0x5B00;

    internal const uint ControlFullDuplex = 1;
    internal const uint ControlLinkUp = 1 << 6;
    internal const uint ControlReset = 1 << 26;
    internal const uint StatusLinkUp = 1 << 1;
    internal const uint StatusGigabit = 2 << 6;
    internal const uint EepromPresentAndRead = 3 << 8;
    internal const uint Enable = 1 << 1; // of receiver and transmitter
    internal const uint QueueEnable = 1 << 25;
    internal const uint UnicastAll = 1 << 3;
    internal const uint MulticastAll = 1 << 4;
    internal const uint BroadcastAccept = 1 << 15;
    internal const uint StripChecksum = 1 << 26;
    internal const uint PadShort = 1 << 3;
    internal const uint VectorsSeparate = 1 << 4;
    internal const uint AutoMaskByMessage = 1 << 30;
    internal const uint VectorValid = 1 << 7;
    internal const uint AddressValid = 1u << 31;

    internal const uint MdiWrite = 1 << 26;
    internal const uint MdiRead = 2 << 26;
    internal const uint MdiOperation = 3 << 26;
    internal const uint MdiReady = 1 << 28;
    internal const uint MdiError = 1 << 30;
    internal const ushort PhyLoopback = 1 << 14;
    internal const ushort PhySelfClearing = (1 << 15) | (1 << 9); // reset, restart of the negotiation

    internal const uint EndOfPacket = 1 << 24;
    internal const uint InsertChecksum = 1 << 25;
    internal const uint ReportStatus = 1 << 27;
    internal const uint IsAdvanced = 1 << 29;
    internal const uint KindOfAdvanced = 0xF << 20;
    internal const uint KindContext = 2 << 20;

    /// <summary>The bits that a mapped register has when nobody has written it and the device has not changed it.</summary>
    internal static uint Initial(int register) => register switch
    {
        Eeprom => EepromPresentAndRead,
        Control => ControlFullDuplex,
        Status => StatusGigabit | 1,
        AddressLow => 0x00123456 << 8 | 0x52, // 52:56:34:12:00:01, an address of one's own
        AddressHigh => AddressValid | 0x0100,
        _ => 0,
    };

    internal static bool IsLoopback(uint receive) => ((receive >> 6) & 3) == 1;

    /// <summary>The bytes of a buffer for packets.</summary>
    internal static int BufferBytes(uint split, uint receive) => (split & 0x7F) != 0 ? (int)(split & 0x7F) << 10 : 2048 >> (int)((receive >> 16) & 3);

    /// <summary>Whether descriptors are written back in the advanced form.</summary>
    internal static bool WritesAdvanced(uint split) => ((split >> 25) & 7) != 0;
}
