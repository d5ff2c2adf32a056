using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>Moves bytes between a caller and the memory behind IOVAs, page by page, inside the caller's scope.</summary>
/// <remarks>Threads: the port's.</remarks>
internal static unsafe class DmaCopy
{
    /// <summary>Reads device-visible memory.</summary>
    /// <returns>The bytes read; fewer than asked for when a page cannot be read.</returns>
    internal static int Read(Translator loop, ulong iova, Span<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length && TryPart(loop, iova, buffer.Length, done, Permission.Read, out nuint host, out int part))
        {
            // SAFETY: the translation covers part bytes and is used inside the scope (D1).
            new ReadOnlySpan<byte>((void*)host, part).CopyTo(buffer[done..]);
            done += part;
        }

        return done;
    }

    /// <summary>Writes device-visible memory and marks its pages dirty.</summary>
    /// <returns>The bytes written; fewer than asked for when a page cannot be written.</returns>
    internal static int Write(Translator loop, ulong iova, ReadOnlySpan<byte> data)
    {
        int done = 0;
        while (done < data.Length && TryPart(loop, iova, data.Length, done, Permission.Write, out nuint host, out int part))
        {
            // SAFETY: as Read.
            data.Slice(done, part).CopyTo(new Span<byte>((void*)host, part));
            done += part;
        }

        return done;
    }

    /// <summary>The word behind an IOVA, for an atomic access that does not cross its natural alignment.</summary>
    internal static ref T Word<T>(nuint host)
        where T : unmanaged =>
        // SAFETY: an aligned word lies in one page, which the translation covers.
        ref Unsafe.AsRef<T>((void*)host);

    private static bool TryPart(Translator loop, ulong iova, int length, int done, Permission access, out nuint host, out int part)
    {
        ulong at = iova + (ulong)done;
        ulong toPageEnd = loop.GranuleBytes - (at & (loop.GranuleBytes - 1));
        part = (int)Math.Min(toPageEnd, (ulong)(length - done));
        return loop.TryTranslate(at, access, out host);
    }
}
