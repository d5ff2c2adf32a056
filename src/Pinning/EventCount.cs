namespace FastIova;

/// <summary>How often something rare has happened.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class EventCount
{
    private long _count;

    /// <summary>How often.</summary>
    internal long Count => Interlocked.Read(ref _count);

    /// <summary>It has happened once more.</summary>
    internal void Add() => Interlocked.Increment(ref _count);
}
