using System.Globalization;

namespace FastIova;

/// <content>Files that are nothing but memory: what can be pinned without a mapping.</content>
internal sealed unsafe partial class Descriptor
{
    /// <summary>Whether it was opened to name a file only (O_PATH): for most calls it is then no open file at all.</summary>
    internal bool IsPathOnly => (Flags & Libc.OpenPathOnly) != 0;

    /// <summary>Whether it was opened for reading and writing.</summary>
    internal bool ReadsAndWrites => (Flags & Libc.OpenAccessMask) == Libc.OpenReadWrite;

    /// <summary>Whether seals let nobody write, or nobody new.</summary>
    internal bool IsSealedForWriting
    {
        get
        {
            int seals = Libc.FileControl(Number, Libc.FcntlGetSeals, 0);
            return seals > 0 && (seals & (Libc.SealWrite | Libc.SealFutureWrite)) != 0;
        }
    }

    /// <summary>Whether the file lies in memory alone (tmpfs, a memory file, hugetlbfs), and so can be pinned.</summary>
    /// <param name="facts">Its facts.</param>
    /// <param name="isHuge">Whether its pages are huge.</param>
    internal bool IsMemory(in FileFacts facts, out bool isHuge)
    {
        Libc.FileSystemWords status;
        isHuge = false;

        // SAFETY: the kernel writes one struct.
        if (!facts.IsRegular || Libc.FileSystemStatus(Number, &status) != 0)
        {
            return false;
        }

        isHuge = status.Magic == Libc.HugePagesMagic;
        return isHuge || status.Magic == Libc.SharedMemoryMagic;
    }

    /// <summary>Whether a program answers for the file (FUSE), and can let whoever touches a mapping of it wait as long as it likes.</summary>
    internal bool IsServedByAProgram
    {
        get
        {
            Libc.FileSystemWords status;

            // SAFETY: the kernel writes one struct.
            return Libc.FileSystemStatus(Number, &status) == 0 && status.Magic == Libc.ProgramsMagic;
        }
    }

    /// <summary>Opens a regular file again, as this process may open it and not as it was opened.</summary>
    /// <param name="write">Whether to write, too.</param>
    /// <returns>Null when this process may not.</returns>
    internal Descriptor? TryReopen(bool write) => TryOpen(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{Number}"), write);

    private int Flags => Libc.FileControl(Number, Libc.FcntlGetFlags, 0);
}
