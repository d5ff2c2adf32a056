namespace FastIova.Cli;

/// <summary>What one step of a replay does.</summary>
internal enum ReplayKind
{
    /// <summary>Maps one after the other in one domain.</summary>
    Map,

    /// <summary>Unmaps one after the other in one domain.</summary>
    Unmap,

    /// <summary>Translations of one device, of any directions.</summary>
    Translate,

    /// <summary>A device gets a domain, in place of the one it has.</summary>
    Attach,

    /// <summary>A device loses its domain.</summary>
    Detach,
}

/// <summary>Consecutive records of one kind, of one domain or device.</summary>
/// <param name="Kind">What they do.</param>
/// <param name="Place">The domain of maps and unmaps, else the device; counted from zero.</param>
/// <param name="First">The first of them in the list of its kind; the domain of an attach.</param>
/// <param name="Count">How many.</param>
internal readonly record struct ReplayStep(ReplayKind Kind, int Place, int First, int Count);

/// <summary>A trace, made ready for a replay: the same steps for everybody who takes part.</summary>
/// <remarks>
/// <para>Owns: host memory that reaches to the trace's highest physical address and is never touched; the address p of the trace is its byte p.</para>
/// <para>Steps keep the order of the records. Consecutive records become one step, so that everybody pays the same for
/// being driven, may treat the step as one piece of work, and takes one lock for it. Invalidations and marks are no steps: everybody here makes an unmap good
/// before it returns, as with a strict driver, so nothing is left to be done by the time the trace invalidates. They are records all the same, and counted as
/// such.</para>
/// </remarks>
internal sealed class ReplayProgram : IDisposable
{
    private const ulong PageBytes = 1UL << TraceRecord.PageLg2;

    /// <param name="trace">The trace.</param>
    internal ReplayProgram(DmaTrace trace)
        : this(trace.Name, trace.Records)
    {
    }

    /// <param name="name">What reports call it.</param>
    /// <param name="records">The records, which keep the rules of the format.</param>
    internal ReplayProgram(string name, ReadOnlySpan<TraceRecord> records)
    {
        Name = name;
        Records = records.Length;
        ulong hostLast = 0;
        foreach (ref readonly TraceRecord record in records)
        {
            hostLast = record.Op switch
            {
                TraceOp.Map => Math.Max(hostLast, record.Address + record.ByteLength - 1),
                TraceOp.Translate => Math.Max(hostLast, record.Address),
                _ => hostLast,
            };
        }

        Memory = HostMemory.Allocate(hostLast + 1 + PageBytes);
        var steps = new StepList(Memory.Address);
        foreach (ref readonly TraceRecord record in records)
        {
            steps.Add(record);
        }

        Steps = steps.ToArray();
        Domains = steps.Domains;
        Devices = steps.Devices;
        Maps = [.. steps.Maps];
        Spans = [.. steps.Spans];
        Access = [.. steps.Access];
        MapIovas = Array.ConvertAll(Maps, map => map.Iova);
        MapHosts = Array.ConvertAll(Maps, map => Memory.Address + map.Offset);
        Alike = FindAlike(Steps, Maps);
        Iovas = [.. steps.Iovas];
        Hosts = [.. steps.Hosts];
    }

    internal string Name { get; }

    /// <summary>All records of the trace, also those that are no work.</summary>
    internal int Records { get; }

    internal HostMemory Memory { get; }

    internal int Domains { get; }

    internal int Devices { get; }

    internal ReplayStep[] Steps { get; }

    internal MapRange[] Maps { get; }

    /// <summary>The IOVAs of <see cref="Maps"/>, as a list of their own.</summary>
    internal ulong[] MapIovas { get; }

    /// <summary>The host addresses of <see cref="Maps"/>.</summary>
    internal ulong[] MapHosts { get; }

    /// <summary>For each map how many from it on in the same step are of one page and have its permission; zero for a longer one.</summary>
    internal int[] Alike { get; }

    /// <summary>What is unmapped.</summary>
    internal IovaSpan[] Spans { get; }

    /// <summary>What devices want of each translation.</summary>
    internal Permission[] Access { get; }

    /// <summary>What is translated.</summary>
    internal ulong[] Iovas { get; }

    /// <summary>What the answers must be.</summary>
    internal ulong[] Hosts { get; }

    /// <summary>The records of one kind.</summary>
    internal int Count(ReplayKind kind) => kind switch
    {
        ReplayKind.Map => Maps.Length,
        ReplayKind.Unmap => Spans.Length,
        ReplayKind.Translate => Access.Length,
        _ => Steps.Count(step => step.Kind == kind),
    };

    public void Dispose() => Memory.Dispose();

    private static int[] FindAlike(ReplayStep[] steps, MapRange[] maps)
    {
        int[] alike = new int[maps.Length];
        foreach (ReplayStep step in steps.Where(step => step.Kind == ReplayKind.Map))
        {
            int end = step.First + step.Count;
            for (int i = end - 1; i >= step.First; i--)
            {
                bool page = maps[i].Length == PageBytes;
                bool more = i + 1 < end && maps[i + 1].Permission == maps[i].Permission;
                alike[i] = !page ? 0 : more ? alike[i + 1] + 1 : 1;
            }
        }

        return alike;
    }

    /// <summary>The steps while they are found.</summary>
    private sealed class StepList(ulong hostBase)
    {
        private readonly List<ReplayStep> _steps = [];
        private readonly Dictionary<ushort, int> _domains = [];
        private readonly Dictionary<ushort, int> _devices = [];

        internal List<MapRange> Maps { get; } = [];

        internal List<IovaSpan> Spans { get; } = [];

        internal List<ulong> Iovas { get; } = [];

        internal List<ulong> Hosts { get; } = [];

        internal List<Permission> Access { get; } = [];

        internal int Domains => _domains.Count;

        internal int Devices => _devices.Count;

        internal void Add(in TraceRecord record)
        {
            switch (record.Op)
            {
                case TraceOp.Map:
                    Extend(ReplayKind.Map, Number(_domains, record.Domain), Maps.Count);
                    Maps.Add(new MapRange(record.Iova, record.Address, record.ByteLength, PermissionOf(record)));
                    break;
                case TraceOp.Unmap:
                    Extend(ReplayKind.Unmap, Number(_domains, record.Domain), Spans.Count);
                    Spans.Add(IovaSpan.Of(record.Iova, record.ByteLength));
                    break;
                case TraceOp.Translate:
                    Extend(ReplayKind.Translate, Number(_devices, record.Device), Iovas.Count);
                    Iovas.Add(record.Iova);
                    Hosts.Add(hostBase + record.Address);
                    Access.Add(PermissionOf(record));
                    break;
                case TraceOp.Attach:
                    _steps.Add(new ReplayStep(ReplayKind.Attach, Number(_devices, record.Device), Number(_domains, record.Domain), 1));
                    break;
                case TraceOp.Detach:
                    _steps.Add(new ReplayStep(ReplayKind.Detach, Number(_devices, record.Device), 0, 1));
                    break;
                default:
                    break;
            }
        }

        internal ReplayStep[] ToArray() => [.. _steps];

        private static Permission PermissionOf(in TraceRecord record) =>
            (record.AllowsRead ? Permission.Read : Permission.None) | (record.AllowsWrite ? Permission.Write : Permission.None);

        private static int Number(Dictionary<ushort, int> numbers, ushort id)
        {
            if (!numbers.TryGetValue(id, out int number))
            {
                number = numbers.Count;
                numbers.Add(id, number);
            }

            return number;
        }

        private void Extend(ReplayKind kind, int place, int index)
        {
            if (_steps.Count > 0 && _steps[^1] is { } last && last.Kind == kind && last.Place == place)
            {
                _steps[^1] = last with { Count = last.Count + 1 };
            }
            else
            {
                _steps.Add(new ReplayStep(kind, place, index, 1));
            }
        }
    }
}
