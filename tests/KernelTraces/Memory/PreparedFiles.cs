using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIova.KernelTraces;

/// <summary>Makes the files that the recorded process had prepared: descriptors of this process, in the order of their numbers in the traces.</summary>
internal static unsafe class PreparedFiles
{
    /// <summary>The bytes of the first file, which is also mapped.</summary>
    internal const ulong FirstBytes = 8 << 20;

    private const ulong MiB = 1 << 20;
    private const ulong OddBytes = 10_000;
    private const ulong HugeBytes = 4 << 20;
    private const ulong WordsToOneMark = 128;
    private const ulong Mark = 0xf11e_0000_0000_0000;
    private const uint Sealable = NativeCalls.MemfdCloseOnExec | NativeCalls.MemfdAllowSealing;

    // Present on every Linux that has POSIX shared memory; without it the file lies in a memory file's tmpfs, like the others.
    private const string TmpfsFolder = "/dev/shm";

    /// <summary>Makes them.</summary>
    /// <param name="hugePages">Whether there is one of 2 MiB pages.</param>
    /// <returns>The descriptors, -1 for one that is missing.</returns>
    /// <exception cref="IOException">Linux refused one.</exception>
    internal static int[] Make(bool hugePages)
    {
        int first = Memory(Sealable, FirstBytes);
        int[] pipe = new int[2];
        fixed (int* ends = pipe)
        {
            Check(NativeCalls.Pipe(ends, NativeCalls.CloseOnExec), "pipe2");
        }

        _ = NativeCalls.Close(pipe[1]);
        return
        [
            first,
            Seal(Memory(Sealable, MiB), NativeCalls.SealWrite | NativeCalls.SealGrow | NativeCalls.SealShrink),
            Check(NativeCalls.Open(FormattableString.Invariant($"/proc/self/fd/{first}"), NativeCalls.CloseOnExec), "open for reading"),
            Memory(NativeCalls.MemfdCloseOnExec, OddBytes),
            Memory(NativeCalls.MemfdCloseOnExec, 0),
            hugePages ? Memory(NativeCalls.MemfdCloseOnExec | NativeCalls.MemfdHugePages2M, HugeBytes) : -1,
            Check(NativeCalls.Open("/dev/null", NativeCalls.OpenReadWriteCloseOnExec), "open of /dev/null"),
            Tmpfs(),
            Seal(Memory(Sealable, MiB), NativeCalls.SealFutureWrite),
            pipe[0],
        ];
    }

    private static int Memory(uint flags, ulong bytes)
    {
        int fd = Check(NativeCalls.MemoryFile("kernel-traces", flags), "memfd_create");
        Fill(fd, bytes);
        return fd;
    }

    private static int Tmpfs()
    {
        int fd = NativeCalls.Open(TmpfsFolder, NativeCalls.OpenUnnamed, NativeCalls.OwnerMayReadAndWrite);
        if (fd < 0)
        {
            return Memory(NativeCalls.MemfdCloseOnExec, MiB);
        }

        Fill(fd, MiB);
        return fd;
    }

    // Four words of each page say where they lie in the file.
    private static void Fill(int fd, ulong bytes)
    {
        Check(NativeCalls.Truncate(fd, (long)bytes), "ftruncate");
        if (bytes == 0)
        {
            return;
        }

        nint place = NativeCalls.Map(0, bytes, NativeCalls.ProtRead | NativeCalls.ProtWrite, NativeCalls.MapShared, fd, 0);
        Check(place == NativeCalls.MapFailed ? -1 : 0, "mmap");
        for (ulong word = 0; word < bytes / sizeof(ulong); word += WordsToOneMark)
        {
            Unsafe.Write((ulong*)place + word, Mark | (word * sizeof(ulong)));
        }

        _ = NativeCalls.Unmap((ulong)place, bytes);
    }

    private static int Seal(int fd, int seals)
    {
        Check(NativeCalls.Control(fd, NativeCalls.AddSeals, seals), "F_ADD_SEALS");
        return fd;
    }

    private static int Check(int result, string call) =>
        result >= 0 ? result : throw new IOException($"{call} for the prepared files failed with errno {Marshal.GetLastPInvokeError()}.");
}
