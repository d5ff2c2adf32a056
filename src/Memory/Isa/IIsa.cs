namespace FastIova;

/// <summary>An instruction set as a type: the loops are compiled once for each, with the other forms folded away.</summary>
internal interface IIsa
{
    /// <summary>The 64-bit lanes of a vector: 8, 4, 2, or 1 for the scalar form, which is the oracle of the others.</summary>
    static abstract int Lanes { get; }
}

/// <summary>No vectors.</summary>
internal readonly struct ScalarIsa : IIsa
{
    public static int Lanes => 1;
}

/// <summary>128-bit vectors: SSE4.1, Arm AdvSimd.</summary>
internal readonly struct Wide128 : IIsa
{
    public static int Lanes => 2;
}

/// <summary>256-bit vectors: AVX2.</summary>
internal readonly struct Wide256 : IIsa
{
    public static int Lanes => 4;
}

/// <summary>512-bit vectors: AVX-512 F.</summary>
internal readonly struct Wide512 : IIsa
{
    public static int Lanes => 8;
}
