using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The first page of a ring file; the slots follow at <see cref="SlotsOffset"/>.</summary>
/// <remarks>
/// Every group that one side writes stands on two cache lines of its own. Layout version 1; RingLayoutTests holds the offsets.
/// I1: the constants (offsets 0..31) are written once, before the file is shared, and read once, when it is opened.
/// I2: <see cref="Completed"/> is written by the consumer only. No look-up of the single-producer ring reads it.
/// I3: <see cref="Claimed"/> is changed by compare-and-swap of shared producers only.
/// I4: whatever stands here was possibly written by a hostile program: the consumer takes none of it for an address or a bound.
/// Threads: see the members.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SlotsOffset)]
internal struct RingHeader
{
    internal const int SlotsOffset = 4096;
    internal const ulong MagicValue = 0x4156_4f49_5453_4146; // "FASTIOVA" in memory order
    internal const uint VersionValue = 1;

    /// <summary><see cref="MagicValue"/>.</summary>
    [FieldOffset(0)]
    internal ulong Magic;

    /// <summary><see cref="VersionValue"/>.</summary>
    [FieldOffset(8)]
    internal uint Version;

    /// <summary>Slots of the ring.</summary>
    [FieldOffset(12)]
    internal uint Capacity;

    /// <summary>A <see cref="RingProducers"/>.</summary>
    [FieldOffset(16)]
    internal uint Producers;

    /// <summary>A <see cref="WaitPolicy"/>.</summary>
    [FieldOffset(20)]
    internal uint Wait;

    /// <summary>Requests answered since the ring was made: what a new consumer starts from, and what shared producers measure space by.</summary>
    [FieldOffset(128)]
    internal PaddedWord Completed;

    /// <summary>Slots claimed by shared producers since the ring was made.</summary>
    [FieldOffset(256)]
    internal PaddedWord Claimed;

    /// <summary>One while a single producer is attached.</summary>
    [FieldOffset(384)]
    internal uint ProducerAttached;

    /// <summary>Requests published when the single producer detached.</summary>
    [FieldOffset(392)]
    internal ulong ProducerPublished;

    /// <summary>Answers read when the single producer detached.</summary>
    [FieldOffset(400)]
    internal ulong ProducerReleased;

    /// <summary>The <see cref="Doorbell"/> of the consumer.</summary>
    [FieldOffset(512)]
    internal ulong RequestBell;

    /// <summary>The <see cref="Doorbell"/> of the producers.</summary>
    [FieldOffset(640)]
    internal ulong CompletionBell;

    /// <summary>The bytes of a ring file. Never a multiple of 2 MiB, so that no hugetlbfs file, whose pages can run out, passes for a ring.</summary>
    internal static ulong FileBytes(uint capacity) => SlotsOffset + (((capacity * 8UL) + 4095) & ~4095UL);

    /// <summary>Says what is wrong with the constants, or null.</summary>
    internal static string? Refusal(in RingHeader constants, ulong fileBytes)
    {
        if (constants.Magic != MagicValue)
        {
            return $"it starts with 0x{constants.Magic:x16}, a ring starts with 0x{MagicValue:x16}: pass the descriptor of a TranslationRing";
        }

        if (constants.Version != VersionValue)
        {
            return $"its layout has version {constants.Version}, this library reads version {VersionValue}: use the same release on both sides";
        }

        uint capacity = constants.Capacity;
        if (capacity is < TranslationRingOptions.CapacityLeast or > TranslationRingOptions.CapacityMost || (capacity & (capacity - 1)) != 0)
        {
            return $"its capacity is {capacity}, a ring has a power of two from 64 to 1048576: its maker is broken";
        }

        if (fileBytes != FileBytes(capacity))
        {
            return $"it is {fileBytes} bytes long, a ring of {capacity} slots has {FileBytes(capacity)}: its maker is broken";
        }

        return constants.Producers > (uint)RingProducers.Many || constants.Wait > (uint)WaitPolicy.Park
            ? $"its producer kind is {constants.Producers} and its wait policy {constants.Wait}, known are 0..1 and 0..2: its maker is broken"
            : null;
    }
}
