namespace FastIova.Tests.TestKit;

/// <summary>The vector widths of this machine, the scalar oracle first.</summary>
internal static class Widths
{
    internal static IsaWidth[] Supported { get; } = [.. Enum.GetValues<IsaWidth>().Where(IsaChoice.IsSupported)];
}
