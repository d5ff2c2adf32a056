namespace FastIova;

/// <summary>Neighbouring pinned pages of a <see cref="Pages"/> that have neighbouring frames and the same number of users.</summary>
/// <remarks>Threads: under the lock of its pages.</remarks>
internal sealed class PinnedRange
{
    /// <summary>The index of the first page.</summary>
    internal ulong First { get; private set; }

    /// <summary>The index of the last page.</summary>
    internal ulong Last { get; private set; }

    /// <summary>The frame of the first page.</summary>
    internal Frame Start { get; private set; }

    /// <summary>Areas in domains, and pins of accesses, that need these pages. New ones have none until the whole request is pinned.</summary>
    internal int Users { get; set; }

    internal FrameRun Run => new(First, Last - First + 1, Start);

    internal Frame FrameOf(ulong page) => Start.Next(page - First);

    internal PinnedRange Set(ulong first, ulong last, Frame start, int users)
    {
        First = first;
        Last = last;
        Start = start;
        Users = users;
        return this;
    }
}
