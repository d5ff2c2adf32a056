namespace FastIova;

/// <summary>Who keeps the memory of an epoch as a writer, and counts what it writes.</summary>
internal interface IEpochHolder
{
    /// <summary>Adds what it has counted so far, and what it holds now.</summary>
    /// <param name="counts">What to add to.</param>
    /// <remarks>Threads: any, while the holder works; takes no lock.</remarks>
    void AddTo(EpochCounts counts);
}
