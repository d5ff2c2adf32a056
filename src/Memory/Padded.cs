using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>
/// One 64-bit word alone on two cache lines: neighbours written by other threads do not slow it, not even through the
/// adjacent-line prefetcher, which fetches pairs of 64-byte lines.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct PaddedWord
{
    [FieldOffset(0)]
    internal ulong Value;
}
