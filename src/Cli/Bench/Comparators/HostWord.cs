namespace FastIova.Cli;

/// <summary>
/// Where a range leads, in one word: what has to be added to an IOVA of the range to get its host address, and what is allowed.
/// </summary>
/// <remarks>
/// <code>
/// 63                                 12 11   4 3 2  1 0
/// host - iova, a multiple of a page     tag    0    W R     (the difference wraps)
/// </code>
/// Because it is a difference, a range that is cut keeps its word. The tag is for whoever stores the word.
/// </remarks>
internal readonly struct HostWord
{
    private const int TagShift = 4;
    private const ulong TagMask = 0xffUL << TagShift;
    private const ulong DifferenceMask = ~(IComparator.PageBytes - 1);

    private readonly ulong _word;

    internal HostWord(ulong iova, ulong host, Permission permission)
        : this((host - iova) | (ulong)permission)
    {
    }

    private HostWord(ulong word) => _word = word;

    /// <summary>The eight bits that belong to the holder.</summary>
    internal int Tag => (byte)(_word >> TagShift);

    /// <summary>The same range with another tag.</summary>
    /// <param name="tag">0 to 255.</param>
    /// <returns>The word.</returns>
    internal HostWord WithTag(int tag) => new((_word & ~TagMask) | ((ulong)(byte)tag << TagShift));

    /// <summary>The host address of an IOVA in the range, or 0 when the access is not allowed.</summary>
    /// <param name="iova">The address.</param>
    /// <param name="wanted">What the access does.</param>
    /// <returns>The address or 0.</returns>
    internal ulong Translate(ulong iova, Permission wanted) =>
        ((ulong)wanted & ~_word) == 0 ? iova + (_word & DifferenceMask) : 0;
}
