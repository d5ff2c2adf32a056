namespace FastIova;

/// <summary>One mapping of a container of type 1, as a program made it: it is taken away whole.</summary>
/// <remarks>Threads: under the lock of its <see cref="Type1Iommu"/>.</remarks>
internal sealed class Type1Entry(IovaSpan span, PinOwner owner)
{
    /// <summary>The iovas.</summary>
    internal IovaSpan Span => span;

    /// <summary>Whose memory it is, and who pays.</summary>
    internal PinOwner Owner { get; set; } = owner;

    /// <summary>Whether its address in the program is no longer valid, and shall be told anew.</summary>
    internal bool IsSuspended { get; set; }

    /// <summary>Whether all of it counts as written, by a device that has left since.</summary>
    internal bool WasWritten { get; set; }
}
