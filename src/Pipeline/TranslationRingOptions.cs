namespace FastIova;

/// <summary>How a side of a ring waits for the other one. Stored in the ring, so that both sides know.</summary>
public enum WaitPolicy
{
    /// <summary>Poll without a break: the shortest delay, one processor busy.</summary>
    Spin = 0,

    /// <summary>Poll for some microseconds, then offer the processor to others between polls.</summary>
    Yield = 1,

    /// <summary>Poll for some microseconds, then sleep in the kernel. Costs a full fence (some 5 to 10 ns) per published batch.</summary>
    Park = 2,
}

/// <summary>How many threads and processes publish into a ring.</summary>
public enum RingProducers
{
    /// <summary>One at a time: <see cref="TranslationRing.AttachProducer"/>.</summary>
    One = 0,

    /// <summary>Any number: <see cref="TranslationRing.AttachSharedProducer"/>.</summary>
    Many = 1,
}

/// <summary>What a new ring is like.</summary>
/// <remarks>Threads: immutable.</remarks>
public sealed record TranslationRingOptions
{
    /// <summary>The smallest <see cref="Capacity"/>: eight cache lines.</summary>
    public const int CapacityLeast = 64;

    /// <summary>The largest <see cref="Capacity"/>: 8 MiB of slots.</summary>
    public const int CapacityMost = 1 << 20;

    /// <summary>Slots: requests and unread answers that the ring holds at most; a power of two, 64 to 1,048,576. 8 bytes each.</summary>
    public int Capacity { get; init; } = 4096;

    /// <summary>One producer or many.</summary>
    public RingProducers Producers { get; init; } = RingProducers.One;

    /// <summary>How both sides wait.</summary>
    public WaitPolicy Wait { get; init; } = WaitPolicy.Yield;

    /// <summary>Refuses values that no ring can have, before anything is made.</summary>
    internal static void Validate(TranslationRingOptions options)
    {
        if (options.Capacity is < CapacityLeast or > CapacityMost || (options.Capacity & (options.Capacity - 1)) != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options),
                options.Capacity,
                $"Capacity: a ring has a power of two of slots, {CapacityLeast} to {CapacityMost}: use 4096 when in doubt.");
        }

        if (options.Producers is not (RingProducers.One or RingProducers.Many))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Producers, "Producers: a ring has one producer or many: use a named value.");
        }

        if (options.Wait is not (WaitPolicy.Spin or WaitPolicy.Yield or WaitPolicy.Park))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Wait, "Wait: the sides of a ring spin, yield or park: use a named value.");
        }
    }
}
