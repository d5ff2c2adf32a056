namespace FastIova;

/// <summary>What Linux checks of every read and write before the file sees it (x86-64).</summary>
internal static class UserRange
{
    /// <summary>The longest transfer of one call; more is cut to it (MAX_RW_COUNT).</summary>
    internal const ulong BytesLast = 0x7fff_f000;

    // TASK_SIZE_MAX: user memory ends below the guard page at the top of the lower half.
    private const ulong AddressEnd = 0x7fff_ffff_f000;

    /// <summary>Whether a range can be memory of a user at all.</summary>
    internal static bool IsLegal(ulong address, ulong length) => address + length >= address && address + length <= AddressEnd;
}
