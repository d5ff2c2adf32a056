using System.Diagnostics.CodeAnalysis;
using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>The vector width that the translation loops use.</summary>
public enum IsaWidth
{
    /// <summary>No vectors.</summary>
    Scalar = 1,

    /// <summary>128-bit vectors.</summary>
    Bits128 = 2,

    /// <summary>256-bit vectors.</summary>
    Bits256 = 4,

    /// <summary>512-bit vectors.</summary>
    Bits512 = 8,
}

/// <summary>The one place that chooses the vector width: the widest of the machine, unless <c>FASTIOVA_ISA</c> says otherwise.</summary>
internal static class IsaChoice
{
    internal const string Variable = "FASTIOVA_ISA";

    private const string NarrowSwitch = "FastIova.NarrowVectors";

    private static readonly IsaWidth[] Widths = [IsaWidth.Scalar, IsaWidth.Bits128, IsaWidth.Bits256, IsaWidth.Bits512];
    private static readonly Lazy<IsaWidth> Chosen = new(() => Parse(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>
    /// Whether the narrower widths are there besides the widest; the C library has each width in a part of its own. A program
    /// compiled ahead of time without them has no code for them.
    /// </summary>
    [FeatureSwitchDefinition(NarrowSwitch)]
    internal static bool HasNarrow { get; } = !AppContext.TryGetSwitch(NarrowSwitch, out bool hasNarrow) || hasNarrow;

    /// <summary>The width in force in this process.</summary>
    /// <exception cref="PlatformNotSupportedException">The variable names a width that does not exist or that this machine lacks.</exception>
    internal static IsaWidth Current => Chosen.Value;

    /// <summary>The name of a width as <c>FASTIOVA_ISA</c> spells it.</summary>
    internal static string Name(IsaWidth width) => width switch
    {
        IsaWidth.Bits512 => "512",
        IsaWidth.Bits256 => "256",
        IsaWidth.Bits128 => "128",
        _ => "scalar",
    };

    /// <summary>Whether this machine has the instructions.</summary>
    internal static bool IsSupported(IsaWidth width) => width switch
    {
        IsaWidth.Bits512 => Vector512.IsHardwareAccelerated,
        IsaWidth.Bits256 => Vector256.IsHardwareAccelerated && (HasNarrow || !Vector512.IsHardwareAccelerated),
        IsaWidth.Bits128 => Vector128.IsHardwareAccelerated && (HasNarrow || !Vector256.IsHardwareAccelerated),
        _ => HasNarrow || !Vector128.IsHardwareAccelerated,
    };

    /// <summary>Reads a value of the variable.</summary>
    /// <param name="value">The value; null or empty chooses the widest.</param>
    /// <returns>The width.</returns>
    internal static IsaWidth Parse(string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return IsSupported(IsaWidth.Bits512) ? IsaWidth.Bits512
                : IsSupported(IsaWidth.Bits256) ? IsaWidth.Bits256
                : IsSupported(IsaWidth.Bits128) ? IsaWidth.Bits128
                : IsaWidth.Scalar;
        }

        foreach (IsaWidth width in Widths)
        {
            if (string.Equals(value, Name(width), StringComparison.Ordinal))
            {
                return IsSupported(width) ? width : throw new PlatformNotSupportedException(HasNarrow
                    ? $"{Variable}={value} asks for vectors that this machine does not have: unset it or choose a narrower width (scalar always works)."
                    : $"{Variable}={value} asks for vectors that this machine does not have, or that this library was made without: unset it, or choose 256 or 512.");
            }
        }

        throw new PlatformNotSupportedException($"{Variable}={value} is no vector width: use scalar, 128, 256 or 512, or unset it.");
    }
}
