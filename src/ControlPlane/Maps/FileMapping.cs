namespace FastIova;

/// <summary>One mapping of memory that an object of a context offers, from mmap to munmap.</summary>
/// <remarks>
/// <para>It is a user of the object, which answers EBUSY to DESTROY meanwhile, and keeps the context, as a mapping keeps its file.</para>
/// <para>Threads: any. Teardown: <see cref="Dispose"/> never fails; the second call does nothing.</para>
/// </remarks>
internal sealed class FileMapping : IDisposable
{
    private readonly UapiObject _owner;
    private int _disposed;

    /// <param name="owner">Who offers it; the caller has counted the mapping as its user.</param>
    /// <param name="memory">The memory, all of it.</param>
    internal FileMapping(UapiObject owner, SharedMemory memory)
    {
        _owner = owner;
        Memory = memory;
        owner.Context.Hold();
    }

    /// <summary>The memory; its owner's.</summary>
    internal SharedMemory Memory { get; }

    /// <summary>The bytes that are mapped, for code of this process.</summary>
    internal Span<byte> Bytes => Memory.Bytes;

    /// <summary>Unmaps it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _owner.RemoveUser();
            _owner.Context.LetGo();
        }
    }
}
