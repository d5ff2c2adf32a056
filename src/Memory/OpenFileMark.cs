namespace FastIova;

/// <summary>
/// Marks on an open file of the memory file of a <see cref="SharedMemory"/>: a mark lasts exactly as long as something holds
/// that open file, in whatever process: a descriptor, or a mapping that was made of it. So whoever hands an open file out to be
/// mapped learns that every mapping is gone, however it went, and needs no word from those who map.
/// </summary>
/// <remarks>
/// A mark is a lock of the open file (F_OFD_SETLK) on one byte; several open files of one memory file have bytes of their own.
/// A holder can take its mark off early, which only deceives about itself. Threads: any.
/// </remarks>
internal static unsafe class OpenFileMark
{
    private const int Query = 36; // F_OFD_GETLK
    private const int Set = 37; // F_OFD_SETLK
    private const short Shared = 0; // F_RDLCK
    private const short Exclusive = 1; // F_WRLCK
    private const short None = 2; // F_UNLCK

    /// <summary>Opens a memory file once more, with a mark.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="place">The byte of the mark; no two open files of one memory share one.</param>
    /// <returns>The open file, to be handed out and closed; null when there is no descriptor left for it.</returns>
    internal static Descriptor? TryOpen(SharedMemory memory, ulong place)
    {
        Descriptor? opened = Descriptor.TryOpen(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/self/fd/{memory.FileDescriptor}"), write: true);
        if (opened is null)
        {
            return null;
        }

        var mark = new Libc.FileLock { Type = Shared, Start = (long)place, Bytes = 1 };

        // SAFETY: the kernel reads the struct during the call only.
        if (Libc.FileControl(opened.Number, Set, (long)&mark) == 0)
        {
            return opened;
        }

        opened.Dispose();
        return null;
    }

    /// <summary>Whether the open file with a mark is still held by anything.</summary>
    internal static bool IsHeld(SharedMemory memory, ulong place)
    {
        var mark = new Libc.FileLock { Type = Exclusive, Start = (long)place, Bytes = 1 };

        // SAFETY: the kernel reads and writes the struct during the call only.
        return Libc.FileControl(memory.FileDescriptor, Query, (long)&mark) == 0 && mark.Type != None;
    }
}
