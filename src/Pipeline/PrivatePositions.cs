using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Where one side of a ring stands: written for each batch by its thread and read by nobody else.</summary>
/// <remarks>
/// I1: no other object shares a pair of cache lines with the words, wherever the collector puts their owner: 128 bytes lie on both sides.
/// Producer and consumer objects that were made one after the other could share a line otherwise. A precaution: no gain was seen when the
/// two sides were made by different threads.
/// Threads: the owner's.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 272)]
internal struct PrivatePositions
{
    /// <summary>Requests published by this producer, or answered by this consumer, since the ring was made.</summary>
    [FieldOffset(128)]
    internal ulong Head;

    /// <summary>Answers read by this producer since the ring was made, or requests in the open batch of this consumer.</summary>
    [FieldOffset(136)]
    internal ulong Tail;
}
