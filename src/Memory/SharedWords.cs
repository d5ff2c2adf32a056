using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>Words in a memory file that another process reads and writes at the same time.</summary>
/// <remarks>
/// <para>Owns: the memory, whose length nobody can change: a peer cannot make it vanish under this process.</para>
/// <para>Invariant: what is read may be anything, and may be something else the next time; copy it once, then judge it.</para>
/// <para>Threads: any, in both processes.</para>
/// </remarks>
internal sealed unsafe class SharedWords : IDisposable
{
    private readonly SharedMemory _memory;

    /// <summary>Makes memory of zeros.</summary>
    /// <param name="name">The name that <c>/proc/PID/maps</c> shows.</param>
    /// <param name="bytes">Its length, a multiple of 4 KiB.</param>
    internal SharedWords(string name, int bytes)
    {
        _memory = SharedMemory.CreateFixed(name, (ulong)bytes);
        Bytes = bytes;
    }

    /// <summary>The memory file, to hand to the peer.</summary>
    internal int FileDescriptor => _memory.FileDescriptor;

    /// <summary>The length.</summary>
    internal int Bytes { get; }

    /// <summary>A word of 32 bits.</summary>
    /// <param name="offset">A multiple of four.</param>
    internal ref uint At32(int offset)
    {
        Check(offset, sizeof(uint));

        // SAFETY: inside the mapping, which lives until Dispose; no caller keeps the reference longer.
        return ref *(uint*)(_memory.Start + offset);
    }

    /// <summary>A word of 64 bits.</summary>
    /// <param name="offset">A multiple of eight.</param>
    internal ref ulong At64(int offset)
    {
        Check(offset, sizeof(ulong));

        // SAFETY: as At32.
        return ref *(ulong*)(_memory.Start + offset);
    }

    /// <summary>Sleeps while a word holds a value, at most a time. May return early.</summary>
    internal void Wait(int offset, uint expected, TimeSpan timeout)
    {
        Check(offset, sizeof(uint));

        // SAFETY: as At32.
        Futex.Wait((uint*)(_memory.Start + offset), expected, timeout);
    }

    /// <summary>Wakes every sleeper on a word.</summary>
    internal void Wake(int offset)
    {
        Check(offset, sizeof(uint));

        // SAFETY: as At32.
        Futex.WakeAll((uint*)(_memory.Start + offset));
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Check(int offset, int length)
    {
        if ((uint)offset > (uint)(Bytes - length) || (offset & (length - 1)) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"A word of {length} bytes lies at a multiple of its length below {Bytes}.");
        }
    }
}
