namespace FastIova;

/// <summary>Hands out zeroed frames of one size for the leaf tables of one page table, and takes them back.</summary>
/// <remarks>
/// <para>Owns: chunks of demand-zero memory that double in size from 32 frames to 64 MiB, so that a small table stays small
/// and a large one lies in few mappings with huge pages.</para>
/// <para>Invariants: A1 a frame that is handed out reads as zeros. A2 <see cref="FramesInUse"/> is the number of frames that
/// are out. A3 a frame that is returned has been cleared by its user, so only the link word is dirty while it is free.</para>
/// <para>Threads: one at a time (the writer of the page table).</para>
/// <para>Teardown: <see cref="Dispose"/> returns every chunk; it never fails.</para>
/// </remarks>
internal sealed unsafe class FrameArena : IDisposable
{
    private const ulong FirstChunkFrames = 32;
    private const int LargestDoubling = 5; // 2 MiB to 64 MiB

    private readonly ulong _frameBytes;
    private readonly bool _hugePages;
    private readonly List<VirtualMemory> _chunks = [];
    private ulong* _free;
    private byte* _next;
    private byte* _end;

    /// <param name="frameBytes">The size of a frame; a power of two from 4 KiB.</param>
    /// <param name="hugePages">Whether chunks of 2 MiB and more are advised to use huge pages.</param>
    internal FrameArena(ulong frameBytes, bool hugePages)
    {
        _frameBytes = frameBytes;
        _hugePages = hugePages;
    }

    /// <summary>Frames that are handed out.</summary>
    internal ulong FramesInUse { get; private set; }

    /// <summary>Frames that were ever touched and are not given back to the system: in use or free.</summary>
    internal ulong FramesTouched { get; private set; }

    /// <summary>The bytes of one frame.</summary>
    internal ulong FrameBytes => _frameBytes;

    /// <summary>Takes a frame of zeros.</summary>
    /// <returns>The frame, aligned to 4 KiB, or null when the system has no memory.</returns>
    internal ulong* TryTake()
    {
        ulong* frame = _free;
        if (frame != null)
        {
            // SAFETY: the first word of a free frame is the link to the next one (A3); zeroing it restores A1.
            _free = (ulong*)*frame;
            *frame = 0;
        }
        else
        {
            if (_next == _end && !TryGrow())
            {
                return null;
            }

            frame = (ulong*)_next;
            _next += _frameBytes;
            FramesTouched++;
        }

        FramesInUse++;
        return frame;
    }

    /// <summary>Takes a frame back. Its words are zero, and no reader can reach it any more.</summary>
    /// <param name="frame">From <see cref="TryTake"/>.</param>
    internal void Return(ulong* frame)
    {
        // SAFETY: the frame is this arena's and nobody reads it any more.
        *frame = (ulong)_free;
        _free = frame;
        FramesInUse--;
    }

    /// <summary>When no frame is out, gives all memory back to the system.</summary>
    internal void Trim()
    {
        if (FramesInUse == 0)
        {
            Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (VirtualMemory chunk in _chunks)
        {
            chunk.Dispose();
        }

        _chunks.Clear();
        _free = null;
        _next = null;
        _end = null;
        FramesTouched = 0;
        FramesInUse = 0;
    }

    private bool TryGrow()
    {
        ulong bytes = _chunks.Count == 0 ? FirstChunkFrames * _frameBytes : VirtualMemory.HugePageBytes << Math.Min(_chunks.Count - 1, LargestDoubling);
        var chunk = VirtualMemory.TryReserve(bytes, _hugePages && bytes >= VirtualMemory.HugePageBytes);
        if (chunk is null)
        {
            return false;
        }

        _chunks.Add(chunk);
        _next = chunk.Start;
        _end = chunk.Start + bytes;
        return true;
    }
}
