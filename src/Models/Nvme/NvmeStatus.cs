namespace FastIova;

/// <summary>How a command ended: status code type and status code (NVMe 1.4, §4.6.1).</summary>
internal enum NvmeStatus : ushort
{
    Success = 0x000,
    InvalidOpcode = 0x001,
    InvalidField = 0x002,
    DataTransferError = 0x004,
    InternalError = 0x006,
    AbortRequested = 0x007,
    InvalidNamespace = 0x00B,
    CommandSequence = 0x00C,
    InvalidSglSegment = 0x00D,
    InvalidSglCount = 0x00E,
    InvalidSglLength = 0x00F,
    InvalidSglType = 0x011,
    InvalidPrpOffset = 0x013,
    LbaOutOfRange = 0x080,

    CompletionQueueInvalid = 0x100,
    InvalidQueueIdentifier = 0x101,
    InvalidQueueSize = 0x102,
    TooManyEventRequests = 0x105,
    InvalidInterruptVector = 0x108,
    InvalidLogPage = 0x109,
    InvalidFormat = 0x10A,
    InvalidQueueDeletion = 0x10C,
    FeatureNotSaveable = 0x10D,

    WriteFault = 0x280,
    UnrecoveredRead = 0x281,
    CompareFailure = 0x285,
}

/// <summary>What the bits of a status mean beyond its number.</summary>
internal static class NvmeStatusBits
{
    private const int DoNotRetry = 1 << 14;

    /// <summary>The status field of a completion, without the phase. A command that is wrong in itself says that it need not come again.</summary>
    internal static uint Field(this NvmeStatus status) => status switch
    {
        NvmeStatus.Success => 0,
        NvmeStatus.DataTransferError or NvmeStatus.InternalError or NvmeStatus.AbortRequested or NvmeStatus.WriteFault or NvmeStatus.UnrecoveredRead => (uint)status,
        _ => (uint)status | DoNotRetry,
    };
}
