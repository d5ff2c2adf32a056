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

    /// <summary>The name among the outputs.</summary>
    internal string OutputName { get; } = Kind == FieldKind.Iova && (Use & FieldUse.Out) != FieldUse.None ? Name + "_out" : Name;
}
