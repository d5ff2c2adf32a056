namespace FastIova.KernelTraces;

/// <summary>How a field is written in a trace, and what its value stands for.</summary>
internal enum FieldKind
{
    /// <summary>A number, in hexadecimal.</summary>
    Number,

    /// <summary>An object id, in decimal.</summary>
    Id,

    /// <summary>An I/O virtual address, in hexadecimal; as an output its name ends in <c>_out</c>.</summary>
    Iova,

    /// <summary>A file descriptor, as a logical number.</summary>
    File,

    /// <summary>A length that is written as far as the page of the line's iova goes: what lies behind it is luck.</summary>
    WithinPage,

    /// <summary>A physical address: only its place in the page is written, and its name ends in <c>_lo</c>.</summary>
    Physical,
}

/// <summary>Which way a field goes.</summary>
[Flags]
internal enum FieldUse
{
    /// <summary>Neither; no field has it.</summary>
    None = 0,

    /// <summary>The recorder chose it.</summary>
    In = 1,

    /// <summary>The kernel answers with it.</summary>
    Out = 2,

    /// <summary>Both.</summary>
    InOut = In | Out,

    /// <summary>Not written as an answer: another field lies at the same place.</summary>
    Unwritten = 4,
}

/// <summary>One field of the struct of an operation.</summary>
/// <param name="Name">As the traces call it.</param>
/// <param name="Offset">Where it lies in the struct.</param>
/// <param name="Bytes">Its width, at most eight.</param>
/// <param name="Kind">How it is written.</param>
/// <param name="Use">Which way it goes.</param>
internal sealed record TraceField(string Name, int Offset, int Bytes, FieldKind Kind, FieldUse Use)
{
    internal bool IsIn => (Use & FieldUse.In) != FieldUse.None;

    internal bool IsOut => (Use & FieldUse.Out) != FieldUse.None;

    internal bool IsWritten => (Use & FieldUse.Unwritten) == FieldUse.None;

    /// <summary>The name among the outputs.</summary>
    internal string OutputName { get; } = Kind switch
    {
        FieldKind.Iova when (Use & FieldUse.Out) != FieldUse.None => Name + "_out",
        FieldKind.Physical => Name + "_lo",
        _ => Name,
    };

    /// <summary>As much of a value as is written.</summary>
    /// <param name="value">The value.</param>
    /// <param name="line">The line, with its inputs.</param>
    internal ulong Shown(ulong value, TraceLine line) => Kind switch
    {
        FieldKind.Physical => value % UserMemory.PageBytes,
        FieldKind.WithinPage => Math.Min(value, UserMemory.PageBytes - (line["iova"] % UserMemory.PageBytes)),
        _ => value,
    };
}
