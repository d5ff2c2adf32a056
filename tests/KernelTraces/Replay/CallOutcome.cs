namespace FastIova.KernelTraces;

/// <summary>A call that was made, and what it left behind.</summary>
/// <param name="Line">The operation.</param>
/// <param name="Result">What the call returned, or a negative errno.</param>
/// <param name="StructAddress">Where the struct lies; 0 without one.</param>
/// <param name="Values">The fields after the call.</param>
/// <param name="Memory">The prepared memory.</param>
internal sealed record CallOutcome(TraceLine Line, long Result, ulong StructAddress, ulong[] Values, UserMemory Memory)
{
    internal bool IsSuccess => Result >= 0;

    internal int Error => Result < 0 ? (int)-Result : 0;

    /// <summary>A field before the call.</summary>
    internal ulong Input(string field) => Line[field];

    /// <summary>A field after the call.</summary>
    internal ulong Output(string field) => Values[Line.Op.IndexOf(field)];
}
