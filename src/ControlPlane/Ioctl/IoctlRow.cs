namespace FastIova;

/// <summary>Runs one ioctl whose struct obeys the size law.</summary>
internal delegate Errno IoctlHandler(in IoctlCall call);

/// <summary>One ioctl.</summary>
/// <param name="Request">Its number.</param>
/// <param name="SmallestBytes">The struct of the first release that had it; a shorter one is EINVAL.</param>
/// <param name="FullBytes">The struct of the newest release; what a longer one says must be zero, or it is E2BIG.</param>
/// <param name="Change">What brought it; null for what every level has.</param>
/// <param name="Handler">What it does.</param>
internal sealed record IoctlRow(IommufdRequest Request, int SmallestBytes, int FullBytes, UapiChange? Change, IoctlHandler Handler);
