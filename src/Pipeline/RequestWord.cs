using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>One request as it lies in a ring slot: which address is to be translated, and for what.</summary>
/// <remarks>
/// <code>
/// 63    62   61 60 59     57 56                  0
/// write read 1  0  [outside] [ iova              ]
/// </code>
/// Bits 60 and 61 say whose turn a slot is: 0 free, 01 (bit 61 alone) request, 11 completion (<see cref="CompletionWord"/>).
/// Bits 57..59 are zero in every address that a domain can hold; an address beyond saturates to all ones in bits 0..59, so
/// that it stays outside of every aperture and is refused there, instead of being cut into an address that somebody mapped.
/// Nothing outside this file and <see cref="CompletionWord"/> masks or shifts a slot.
/// Threads: any; the type is a value.
/// </remarks>
public readonly unsafe record struct RequestWord
{
    internal const int IovaBits = 57;
    internal const ulong IovaMask = (1UL << IovaBits) - 1;
    internal const ulong OutsideMask = 7UL << IovaBits;
    internal const ulong IovaSaturated = IovaMask | OutsideMask;
    internal const ulong Completed = 1UL << 60;
    internal const ulong Present = 1UL << 61;
    internal const ulong TurnMask = Present | Completed;
    internal const int WantedShift = 62;

    /// <summary>The value of a slot that belongs to nobody.</summary>
    internal const ulong Free = 0;

    private RequestWord(ulong value) => Value = value;

    /// <summary>The raw word, as other processes and other languages see it.</summary>
    public ulong Value { get; }

    /// <summary>Builds a request, so that the same one can be published again and again.</summary>
    /// <param name="iova">The address to translate; one of 2^57 or more is answered with <see cref="FaultReason.OutsideAperture"/>.</param>
    /// <param name="wanted">What the access will do; <see cref="Permission.None"/> when the direction is unknown.</param>
    /// <returns>The request.</returns>
    public static RequestWord Of(ulong iova, Permission wanted) => new(Word(iova, Mark(wanted)));

    /// <summary>The request as text.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"{WantedOf(Value)} at IOVA 0x{IovaOf(Value):x}";

    /// <summary>What all requests of a batch have in common.</summary>
    internal static ulong Mark(Permission wanted) => ((ulong)wanted << WantedShift) | Present;

    /// <summary>One request out of its address and <see cref="Mark"/>. The JIT makes a branch of the minimum here, never taken by legal addresses; the vector form in SlotRun has none.</summary>
    internal static ulong Word(ulong iova, ulong mark) => Math.Min(iova, IovaSaturated) | mark;

    /// <summary>Makes a request of any word: the turn bits are forced, the rest stays.</summary>
    internal static ulong Force(ulong word) => (word | Present) & ~Completed;

    /// <summary>Whether a slot holds a request that nobody has answered.</summary>
    internal static bool IsPublished(ulong slot) => (slot & TurnMask) == Present;

    /// <summary>The address asked for; meaningless when <see cref="IsOutside"/>.</summary>
    internal static ulong IovaOf(ulong word) => word & IovaMask;

    /// <summary>Whether the address lies above 2^57 - 1. The producer is another program: test this, or mask; never trust.</summary>
    internal static bool IsOutside(ulong word) => (word & OutsideMask) != 0;

    /// <summary>What the access wants.</summary>
    internal static Permission WantedOf(ulong word) => (Permission)(word >> WantedShift);

    /// <summary>The address asked for; one that lies outside every aperture still does.</summary>
    internal static ulong AddressOf(ulong word) => word & IovaSaturated;

    /// <summary>Takes the addresses out of requests.</summary>
    /// <param name="requests">The words.</param>
    /// <param name="iovas">Receives as many addresses.</param>
    /// <param name="count">How many.</param>
    internal static void Strip(ulong* requests, ulong* iovas, int count)
    {
        // SAFETY: both have count words.
        int i = 0;
        for (; i <= count - 8; i += 8)
        {
            (Vector512.Load(requests + i) & Vector512.Create(IovaSaturated)).Store(iovas + i);
        }

        for (; i < count; i++)
        {
            iovas[i] = AddressOf(requests[i]);
        }
    }
}

/// <summary>Each look-up wants what its request says.</summary>
/// <param name="requests">Words of <see cref="RequestWord"/>, any values.</param>
internal readonly unsafe struct WantsOfRequests(ulong* requests) : IWants<WantsOfRequests>
{
    // SAFETY: there is one word for each look-up, and no method reads beyond those that its caller names.
    private readonly ulong* _requests = requests;

    public static bool AreAlike => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public WantsOfRequests From(nint index) => new(_requests + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong One(nint index) => _requests[index] >> RequestWord.WantedShift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<ulong> Two(nint index) => Vector128.Load(_requests + index) >>> RequestWord.WantedShift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<ulong> Four(nint index) => Vector256.Load(_requests + index) >>> RequestWord.WantedShift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<ulong> Eight(nint index) => Vector512.Load(_requests + index) >>> RequestWord.WantedShift;
}
