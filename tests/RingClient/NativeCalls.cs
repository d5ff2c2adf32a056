using System.Runtime.InteropServices;

namespace FastIova.RingClient;

/// <summary>The calls of the C library that this program makes, looked up where the shim stands before the library.</summary>
/// <remarks>Threads: any.</remarks>
internal static unsafe partial class NativeCalls
{
    private const string Program = "this program";

    static NativeCalls() => NativeLibrary.SetDllImportResolver(
        typeof(NativeCalls).Assembly,
        static (name, _, _) => string.Equals(name, Program, StringComparison.Ordinal) ? NativeLibrary.GetMainProgramHandle() : 0);

    [LibraryImport(Program, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    [LibraryImport(Program, EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int Ioctl(int fd, nuint request, void* argument);

    [LibraryImport(Program, EntryPoint = "poll", SetLastError = true)]
    internal static partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollEntry
    {
        internal int Descriptor;
        internal short Events;
        internal short Found;
    }
}
