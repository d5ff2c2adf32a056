using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A run of contiguous host memory behind part of an IOVA range.</summary>
/// <param name="Address">The host address of the first byte.</param>
/// <param name="Length">Bytes, at least one.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct HostSegment(nuint Address, ulong Length);

/// <summary>Cuts an IOVA range into runs of contiguous host memory.</summary>
internal static class Segments
{
    /// <summary>Translates a range inside the caller's scope.</summary>
    /// <param name="loop">The port's.</param>
    /// <param name="span">The range.</param>
    /// <param name="access">What is wanted.</param>
    /// <param name="segments">Receives the runs; neighbours that are contiguous in host memory are one.</param>
    /// <param name="count">The runs written.</param>
    /// <param name="faulted">Whether it stopped at an address that cannot be translated, rather than for want of room.</param>
    /// <returns>The bytes translated.</returns>
    internal static ulong Translate(Translator loop, IovaSpan span, Permission access, Span<HostSegment> segments, out int count, out bool faulted)
    {
        count = 0;
        faulted = false;
        ulong at = span.First;
        while (true)
        {
            if (!loop.TryTranslatePage(at, access, out nuint host, out ulong pageLast))
            {
                faulted = true;
                return at - span.First;
            }

            ulong last = Math.Min(pageLast, span.Last);
            ulong bytes = last - at + 1;
            if (count > 0 && segments[count - 1].Address + segments[count - 1].Length == host)
            {
                segments[count - 1] = new HostSegment(segments[count - 1].Address, segments[count - 1].Length + bytes);
            }
            else if (count < segments.Length)
            {
                segments[count++] = new HostSegment(host, bytes);
            }
            else
            {
                return at - span.First;
            }

            if (last == span.Last)
            {
                return last - span.First + 1;
            }

            at = last + 1;
        }
    }
}
