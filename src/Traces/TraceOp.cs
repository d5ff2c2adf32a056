namespace FastIova;

/// <summary>What a record of a trace says happened; the numbers are those of the file.</summary>
internal enum TraceOp : byte
{
    /// <summary>No operation: never in a valid file.</summary>
    None = 0,

    /// <summary>A range was mapped in a domain.</summary>
    Map = 1,

    /// <summary>A range was unmapped in a domain; it may cover many maps.</summary>
    Unmap = 2,

    /// <summary>A device had an address translated.</summary>
    Translate = 3,

    /// <summary>Cached translations of a range were invalidated.</summary>
    InvalidateRange = 4,

    /// <summary>Cached translations of a domain were invalidated.</summary>
    InvalidateDomain = 5,

    /// <summary>All cached translations were invalidated.</summary>
    InvalidateGlobal = 6,

    /// <summary>A device was attached to a domain, in place of the domain it had.</summary>
    Attach = 7,

    /// <summary>A device was detached from its domain.</summary>
    Detach = 8,

    /// <summary>A phase of the workload began; phase 1 follows boot and probe, the last one follows the workload.</summary>
    Mark = 9,

    /// <summary>A translation failed.</summary>
    Fault = 10,
}

/// <summary>The words that the header of a trace uses for operations.</summary>
internal static class TraceOpNames
{
    private static string[] Names { get; } =
        ["none", "map", "unmap", "translate", "inv-range", "inv-domain", "inv-global", "attach", "detach", "mark", "fault"];

    /// <summary>One more than the highest operation number.</summary>
    internal static int End => Names.Length;

    /// <summary>The word for an operation, or its number when there is none.</summary>
    /// <param name="op">Any value.</param>
    /// <returns>The text.</returns>
    internal static string Name(this TraceOp op) => (int)op < Names.Length ? Names[(int)op] : $"op {(int)op}";

    /// <summary>Finds the operation a word stands for.</summary>
    /// <param name="name">The word, as in <c>inv-range</c>.</param>
    /// <param name="op">The operation, or <see cref="TraceOp.None"/>.</param>
    /// <returns>False when no operation has that name.</returns>
    internal static bool TryFind(string name, out TraceOp op)
    {
        int index = Array.IndexOf(Names, name, 1);
        op = index < 0 ? TraceOp.None : (TraceOp)index;
        return index >= 0;
    }
}
