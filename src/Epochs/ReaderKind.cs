namespace FastIova;

/// <summary>Who pays for the memory fence between a reader and an unmap.</summary>
public enum ReaderKind
{
    /// <summary>
    /// The reader executes a full fence (about 5 ns) whenever it enters a scope: right for batches of 64 and more, and for
    /// devices whose driver unmaps all the time.
    /// </summary>
    Batch = 0,

    /// <summary>
    /// The reader enters with plain stores; while such a reader is open each grace period issues a process-wide barrier
    /// (0.2 to 10 µs): right for single look-ups and small batches over mappings that last.
    /// </summary>
    SingleShot = 1,
}
