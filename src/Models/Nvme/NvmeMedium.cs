namespace FastIova;

/// <summary>What the blocks of a namespace lie on.</summary>
/// <remarks>Threads: one at a time. Callers stay within <see cref="Bytes"/>. Teardown never fails.</remarks>
internal abstract class NvmeMedium : IDisposable
{
    /// <summary>Its length.</summary>
    internal abstract ulong Bytes { get; }

    /// <summary>Its bytes themselves, where they lie in memory; empty where they do not.</summary>
    internal abstract Span<byte> Direct(ulong offset, int length);

    /// <summary>Reads; false when the medium failed.</summary>
    internal abstract bool Read(ulong offset, Span<byte> buffer);

    /// <summary>Writes; false when the medium failed.</summary>
    internal abstract bool Write(ulong offset, ReadOnlySpan<byte> data);

    /// <summary>Makes a part zero; false when the medium failed.</summary>
    internal abstract bool Clear(ulong offset, ulong length);

    /// <summary>Makes what was written last; false when the medium failed.</summary>
    internal abstract bool Flush();

    /// <inheritdoc/>
    public abstract void Dispose();
}
