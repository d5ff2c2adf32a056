using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The windows of files that others can cut shorter at any moment: what is touched beyond the new end must not end this process.</summary>
/// <remarks>
/// <para>Owns: a table that shim/engine/guard.c reads in a signal handler, for as long as the process lives.</para>
/// <para>Invariants. W1: a window stands in the table from before its first use until after its last. W2: a window that is torn shows zeros
/// that are this process's own, all of it; no new pin uses it. W3: there are at most <see cref="WindowsLast"/>, so that no client uses up
/// the mappings that the kernel lets a process have.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal static unsafe class WindowGuard
{
    /// <summary>The windows that there can be at a time. The kernel's own limit on mappings (vm.max_map_count) is 65,530.</summary>
    internal const int WindowsLast = 8192;

    private const string Install = "fastiova_guard";

    private static readonly Lock Changes = new();
    private static readonly Stack<int> Free = new(Enumerable.Range(0, WindowsLast).Reverse());
    private static readonly Entry* Entries = (Entry*)VirtualMemory.Reserve(WindowsLast * (ulong)sizeof(Entry), hugePages: false).Start;
    private static bool _isInstalled;

    /// <summary>Has SIGBUS in windows mended from now on. The second call does nothing.</summary>
    /// <param name="library">The path of the library that is made of shim/engine/guard.c.</param>
    /// <exception cref="IOException">It cannot be loaded.</exception>
    internal static void Start(string library)
    {
        lock (Changes)
        {
            if (_isInstalled)
            {
                return;
            }

            try
            {
                // SAFETY: the function has this signature, and the table lives as long as the process.
                var install = (delegate* unmanaged<Entry*, uint, int>)NativeLibrary.GetExport(NativeLibrary.Load(library), Install);
                int errno = install(Entries, WindowsLast);
                _isInstalled = errno == 0 ? true : throw new IOException($"Handling SIGBUS was refused with errno {errno}.");
            }
            catch (Exception missing) when (missing is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
            {
                throw new IOException($"'{library}' does not belong to this release: install it anew beside the program.", missing);
            }
        }
    }

    /// <summary>Takes a place for a window that is about to be mapped.</summary>
    /// <returns>The place, or -1 when there are as many windows as there can be.</returns>
    internal static int TryTake()
    {
        lock (Changes)
        {
            return Free.TryPop(out int place) ? place : -1;
        }
    }

    /// <summary>Guards a window, which is mapped.</summary>
    internal static void Guard(int place, ulong address, ulong bytes)
    {
        // SAFETY: here and below the place is the caller's, inside the table.
        Entries[place].Torn = 0;
        Entries[place].End = address + bytes;
        Volatile.Write(ref Entries[place].Start, address); // pairs with the handler's read; otherwise it could see the end of the window before
    }

    /// <summary>Whether zeros stand in a window since its file became shorter.</summary>
    internal static bool IsTorn(int place) => Volatile.Read(ref Entries[place].Torn) != 0;

    /// <summary>Gives a place back; nobody touches its window any more, if there was one.</summary>
    internal static void GiveBack(int place)
    {
        Volatile.Write(ref Entries[place].Start, 0); // before it is unmapped: what comes there next is not to be mended
        lock (Changes)
        {
            Free.Push(place);
        }
    }

    // struct window of shim/engine/guard.c.
    private struct Entry
    {
        internal ulong Start;
        internal ulong End;
        internal ulong Torn;
    }
}
