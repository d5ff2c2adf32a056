namespace FastIova;

/// <summary>One mapping of memory that a file offers, from mmap to munmap.</summary>
/// <remarks>Threads: any. Teardown: <see cref="Dispose"/> never fails; the second call does nothing.</remarks>
internal sealed class FileMapping : IDisposable
{
    private readonly Action _ended;
    private int _disposed;

    /// <summary>A mapping of an object's memory: it is a user of the object, which answers EBUSY to DESTROY meanwhile, and keeps the context, as a mapping keeps its file.</summary>
    /// <param name="owner">Who offers it; the caller has counted the mapping as its user.</param>
    /// <param name="memory">The memory, all of it.</param>
    internal FileMapping(UapiObject owner, SharedMemory memory)
        : this(memory, 0, memory.Length, () => LetGo(owner)) => owner.Context.Hold();

    /// <summary>A mapping of a part of a memory.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="offset">Where the part begins.</param>
    /// <param name="length">Its length.</param>
    /// <param name="ended">Called once, when it is unmapped.</param>
    internal FileMapping(SharedMemory memory, ulong offset, ulong length, Action ended)
    {
        Memory = memory;
        Offset = offset;
        Length = length;
        _ended = ended;
    }

    /// <summary>The memory; its owner's.</summary>
    internal SharedMemory Memory { get; }

    /// <summary>Where in the memory the mapping begins.</summary>
    internal ulong Offset { get; }

    /// <summary>The bytes that are mapped.</summary>
    internal ulong Length { get; }

    /// <summary>The bytes that are mapped, for code of this process.</summary>
    internal Span<byte> Bytes => Memory.Bytes.Slice((int)Offset, (int)Length);

    /// <summary>Unmaps it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _ended();
        }
    }

    private static void LetGo(UapiObject owner)
    {
        owner.RemoveUser();
        owner.Context.LetGo();
    }
}
