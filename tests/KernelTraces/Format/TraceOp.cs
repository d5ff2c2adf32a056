using System.Collections.Frozen;

namespace FastIova.KernelTraces;

/// <summary>The system call of an operation.</summary>
internal enum CallKind
{
    /// <summary>An ioctl with a struct whose first word is its size.</summary>
    Ioctl,

    /// <summary>An ioctl with a plain number.</summary>
    IoctlNumber,

    /// <summary>An ioctl whose request is part of the trace, with 72 bytes of zeros.</summary>
    IoctlAny,

    /// <summary>close.</summary>
    Close,

    /// <summary>read into the scratch buffer.</summary>
    Read,

    /// <summary>write from the scratch buffer.</summary>
    Write,

    /// <summary>poll without waiting.</summary>
    Poll,

    /// <summary>mmap of the device.</summary>
    Map,

    /// <summary>munmap of what an earlier operation mapped.</summary>
    Unmap,

    /// <summary>None: hashes prepared memory, to find stray writes.</summary>
    Hash,
}

/// <summary>One kind of operation: a row of <see cref="TraceOps"/>.</summary>
/// <param name="Name">As the traces call it.</param>
/// <param name="Call">The system call.</param>
/// <param name="Request">The ioctl's request.</param>
/// <param name="StructBytes">The full size of its struct.</param>
/// <param name="TestOp">What the second word of the struct is: the operation of the test ioctl, or zero.</param>
/// <param name="Fields">In the order in which they are written.</param>
internal sealed record TraceOp(string Name, CallKind Call, uint Request, int StructBytes, uint TestOp, TraceField[] Fields)
{
    private readonly FrozenDictionary<string, int> _byName =
        Fields.Select((field, index) => KeyValuePair.Create(field.Name, index)).ToFrozenDictionary(StringComparer.Ordinal);

    private readonly FrozenDictionary<string, TraceField> _byOutputName =
        Fields.ToFrozenDictionary(field => field.OutputName, StringComparer.Ordinal);

    /// <summary>The first logical number of the files that the operation makes; the index of the line is added.</summary>
    internal uint LogicalFiles { get; init; }

    /// <summary>Whether the call returns a file descriptor.</summary>
    internal bool ReturnsFile { get; init; }

    /// <summary>What else the line shows of the outcome.</summary>
    internal Payload? Payload { get; init; }

    /// <summary>Whether the line says how large the struct is and where it lies.</summary>
    internal bool HasStruct => Call is CallKind.Ioctl or CallKind.IoctlAny;

    /// <summary>The index of a field, or -1.</summary>
    internal int IndexOf(string name) => _byName.GetValueOrDefault(name, -1);

    /// <summary>The field behind the name of an output, or null.</summary>
    internal TraceField? Output(string outputName) => _byOutputName.GetValueOrDefault(outputName);
}

/// <summary>Writes what a line shows of memory behind pointers.</summary>
/// <param name="call">The call and its outcome.</param>
/// <param name="answer">Where it is written.</param>
internal delegate void Payload(CallOutcome call, TraceAnswer answer);
