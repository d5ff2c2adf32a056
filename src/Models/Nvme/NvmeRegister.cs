namespace FastIova;

/// <summary>Places and bits of the controller's registers (NVMe 1.4, §3.1).</summary>
internal static class NvmeRegister
{
    internal const int Capabilities = 0x00;
    internal const int CapabilitiesHigh = 0x04;
    internal const int Version = 0x08;
    internal const int MaskSet = 0x0C;
    internal const int MaskClear = 0x10;
    internal const int Configuration = 0x14;
    internal const int Status = 0x1C;
    internal const int AdminQueues = 0x24;
    internal const int AdminSubmission = 0x28;
    internal const int AdminCompletion = 0x30;
    internal const int End = 0x38;
    internal const int Doorbells = 0x1000;

    internal const uint Version14 = 0x00010400;
    internal const uint EntriesMost = 4096;

    internal const uint Enable = 1;
    internal const uint Ready = 1;
    internal const uint Fatal = 2;
    internal const uint ShutdownComplete = 2 << 2;
    internal const int PagesMostLg2 = 4;

    /// <summary>Queues in one piece, 7.5 s to become ready, the NVM command set, pages from 4 to 64 KiB.</summary>
    internal const uint CapabilitiesLowBits = (EntriesMost - 1) | (1 << 16) | (15u << 24);
    internal const uint CapabilitiesHighBits = (1 << 5) | (PagesMostLg2 << 20);

    /// <summary>The bits of the configuration that a driver can write.</summary>
    internal const uint ConfigurationBits = 0x00FFFFF1;

    internal static int CommandSet(uint configuration) => (int)((configuration >> 4) & 7);

    internal static int PageLg2(uint configuration) => 12 + (int)((configuration >> 7) & 15);

    internal static int Arbitration(uint configuration) => (int)((configuration >> 11) & 7);

    internal static int Shutdown(uint configuration) => (int)((configuration >> 14) & 3);

    internal static int SubmissionLg2(uint configuration) => (int)((configuration >> 16) & 15);

    internal static int CompletionLg2(uint configuration) => (int)((configuration >> 20) & 15);
}
