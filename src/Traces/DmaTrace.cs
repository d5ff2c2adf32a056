namespace FastIova;

/// <summary>A recorded sequence of what a driver mapped and what its devices translated, in one total order.</summary>
/// <remarks>
/// Invariants: (I1) every record keeps the rules of the format: known operation, known domain, a range that does not wrap,
/// no translation by a device that is attached to nothing. (I2) The header told the truth about the records.
/// Threads: immutable, read from any thread.
/// </remarks>
internal sealed class DmaTrace
{
    private readonly TraceRecord[] _records;

    private DmaTrace(string name, TraceHeader header, TraceRecord[] records)
    {
        Name = name;
        Header = header;
        _records = records;
        Workload = FindWorkload(records);
    }

    /// <summary>The name of the file without folder and endings.</summary>
    internal string Name { get; }

    /// <summary>Where the trace comes from, and what is in it.</summary>
    internal TraceHeader Header { get; }

    /// <summary>All events, in order.</summary>
    internal ReadOnlySpan<TraceRecord> Records => _records;

    /// <summary>All events, in order, for code that keeps them.</summary>
    internal ReadOnlyMemory<TraceRecord> RecordMemory => _records;

    /// <summary>The part of <see cref="Records"/> behind mark 1 and before the last mark: the workload without boot, probe and shutdown. All records when there are no such marks.</summary>
    internal Range Workload { get; }

    /// <summary>Reads a trace: plain, gzip or xz, told apart by their first bytes.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The trace.</returns>
    /// <exception cref="TraceFormatException">The file breaks a rule of the format; nothing of it is used.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="DllNotFoundException">The file is xz and the machine has no liblzma.</exception>
    internal static DmaTrace Load(string path)
    {
        using FileStream file = File.OpenRead(path);
        if (!file.CanSeek)
        {
            throw new IOException($"{path} is no regular file; a trace is read from one. Copy the bytes into a file first.");
        }

        return Read(file, path);
    }

    /// <summary>Reads a trace from a stream, and disposes the stream.</summary>
    /// <param name="stream">A seekable stream, at the start of the trace.</param>
    /// <param name="name">What errors call it; the name of the trace is made from it.</param>
    /// <returns>The trace.</returns>
    /// <exception cref="TraceFormatException">The stream breaks a rule of the format.</exception>
    internal static DmaTrace Read(Stream stream, string name)
    {
        TraceHeader header = TraceReader.Read(stream, name, out TraceRecord[] records);
        return new DmaTrace(ShortName(name), header, records);
    }

    /// <summary>The name of a trace: its file without folder and endings.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The name.</returns>
    internal static string ShortName(string path)
    {
        string file = Path.GetFileName(path);
        int end = file.IndexOf('.', StringComparison.Ordinal);
        return end <= 0 ? file : file[..end];
    }

    private static Range FindWorkload(ReadOnlySpan<TraceRecord> records)
    {
        int start = 0;
        int end = records.Length;
        int last = records.Length - 1;
        while (last > 0 && records[last].Op != TraceOp.Mark)
        {
            last--;
        }

        for (int i = 0; i < last; i++)
        {
            if (records[i].Op == TraceOp.Mark && records[i].Phase == 1)
            {
                start = i + 1;
                end = last;
                break;
            }
        }

        return start..end;
    }
}
