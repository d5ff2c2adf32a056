namespace FastIova.Tests.TestKit;

/// <summary>One page that can be used between two that cannot: a load or a store outside the page ends the process.</summary>
/// <remarks>Owns: three pages. Threads: the test's.</remarks>
internal sealed unsafe class PoisonedMemory : IDisposable
{
    private const int PageBytes = 4096;

    private readonly nint _mapping;

    internal PoisonedMemory()
    {
        _mapping = Libc.MemoryMap(0, 3 * PageBytes, Libc.ProtNone, Libc.MapPrivate | Libc.MapAnonymous, -1, 0);
        if (_mapping == Libc.MapFailed || Libc.MemoryProtect(_mapping + PageBytes, PageBytes, Libc.ProtRead | Libc.ProtWrite) != 0)
        {
            throw new IOException("Linux refused three pages.");
        }
    }

    /// <summary>Words that the page has room for.</summary>
    internal const int WordsLast = PageBytes / sizeof(ulong);

    /// <summary>The first words of the page, right behind the poison.</summary>
    internal ulong* First => (ulong*)(_mapping + PageBytes);

    /// <summary>The last words of the page, right before the poison.</summary>
    internal ulong* Last(int count) => (ulong*)(_mapping + (2 * PageBytes)) - count;

    internal ulong* Place(bool atEnd, int count) => atEnd ? Last(count) : First;

    public void Dispose() => _ = Libc.MemoryUnmap(_mapping, 3 * PageBytes);
}
