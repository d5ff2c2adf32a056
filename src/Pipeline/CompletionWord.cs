namespace FastIova;

/// <summary>One answer as it lies in a ring slot: a host address, or the reason why there is none.</summary>
/// <remarks>
/// <code>
/// 63    62 61 60 59 57 56                        0
/// 0     0  1  1  0     [ host address            ]
/// 1     0  1  1  0                      [ reason ]   bits 0..7: FaultReason
/// </code>
/// Bits 60 and 61 are explained at <see cref="RequestWord"/>.
/// Threads: any; the type is a value of 8 bytes, laid out as in the ring.
/// </remarks>
public readonly record struct CompletionWord
{
    private const ulong HostMask = RequestWord.IovaMask;
    private const ulong FaultBit = 1UL << 63;
    private const ulong ReasonMask = 0xff;

    internal CompletionWord(ulong value) => Value = value;

    /// <summary>The raw word, as other processes and other languages see it.</summary>
    public ulong Value { get; }

    /// <summary>Whether the access could not be translated; <see cref="Reason"/> says why.</summary>
    public bool IsFault => (Value & FaultBit) != 0;

    /// <summary>The translated address in the engine's process; zero for a fault.</summary>
    public ulong HostAddress => IsFault ? 0 : Value & HostMask;

    /// <summary>Why the access could not be translated; <see cref="FaultReason.None"/> when it was.</summary>
    public FaultReason Reason => IsFault ? (FaultReason)(Value & ReasonMask) : FaultReason.None;

    /// <summary>The answer as text.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => IsFault ? $"{Reason}" : $"host 0x{HostAddress:x}";

    /// <summary>The word for a translated address.</summary>
    internal static ulong Translated(ulong hostAddress) => (hostAddress & HostMask) | RequestWord.TurnMask;

    /// <summary>The word for a refused access.</summary>
    internal static ulong Faulted(FaultReason reason) => FaultBit | RequestWord.TurnMask | (ulong)reason;

    /// <summary>Whether a slot holds an answer.</summary>
    internal static bool IsCompleted(ulong slot) => (slot & RequestWord.TurnMask) == RequestWord.TurnMask;
}
