namespace FastIova.Cli;

/// <summary>What a driver thread and a device thread need beside the steps.</summary>
/// <remarks>
/// No record translates what an earlier one unmapped, so a driver may gather its unmaps and do them at once, with one grace
/// period, as late as just before a map that needs one of their pages again: the address allocator of a driver holds
/// freed addresses back for as long. Which maps those are is the allocator's knowledge, so it is worked out here, for everybody alike.
/// </remarks>
internal sealed class PipelinePlan
{
    /// <summary>The most unmaps that wait to be done.</summary>
    internal const int WaitingMost = 1024;

    /// <param name="program">The steps.</param>
    internal PipelinePlan(ReplayProgram program)
    {
        Program = program;
        FlushBefore = FindFlushes(program);
        RequestFirst = new int[program.Steps.Length];
        Requests = new RequestWord[program.Devices][];
        Completions = new ulong[program.Devices][];
        var requests = new List<RequestWord>[program.Devices];
        var completions = new List<ulong>[program.Devices];
        for (int device = 0; device < program.Devices; device++)
        {
            requests[device] = [];
            completions[device] = [];
        }

        for (int i = 0; i < program.Steps.Length; i++)
        {
            ReplayStep step = program.Steps[i];
            if (step.Kind != ReplayKind.Translate)
            {
                continue;
            }

            RequestFirst[i] = requests[step.Place].Count;
            for (int at = step.First; at < step.First + step.Count; at++)
            {
                requests[step.Place].Add(RequestWord.Of(program.Iovas[at], program.Access[at]));
                completions[step.Place].Add(CompletionWord.Translated(program.Hosts[at]));
            }
        }

        for (int device = 0; device < program.Devices; device++)
        {
            Requests[device] = [.. requests[device]];
            Completions[device] = [.. completions[device]];
        }
    }

    internal ReplayProgram Program { get; }

    /// <summary>For each step whether the unmaps that wait must be done before it.</summary>
    internal bool[] FlushBefore { get; }

    /// <summary>For each step of translations the place of its first request among those of its device.</summary>
    internal int[] RequestFirst { get; }

    /// <summary>For each device what it asks, in order.</summary>
    internal RequestWord[][] Requests { get; }

    /// <summary>For each device the right answers, as ring words.</summary>
    internal ulong[][] Completions { get; }

    private static bool[] FindFlushes(ReplayProgram program)
    {
        bool[] flush = new bool[program.Steps.Length];
        var waiting = new HashSet<(int Domain, ulong Page)>();
        int spans = 0;
        for (int i = 0; i < flush.Length; i++)
        {
            ReplayStep step = program.Steps[i];
            flush[i] = step.Kind switch
            {
                ReplayKind.Map => program.Maps.AsSpan(step.First, step.Count).ToArray().Any(map => PagesOf(map.Iova, map.Length).Any(page => waiting.Contains((step.Place, page)))),
                ReplayKind.Unmap => spans + step.Count > WaitingMost && spans != 0,
                ReplayKind.Translate => false,
                _ => true,
            };
            if (flush[i])
            {
                waiting.Clear();
                spans = 0;
            }

            if (step.Kind == ReplayKind.Unmap)
            {
                spans += step.Count;
                foreach (IovaSpan span in program.Spans.AsSpan(step.First, step.Count))
                {
                    waiting.UnionWith(PagesOf(span.First, span.LengthLessOne + 1).Select(page => (step.Place, page)));
                }
            }
        }

        return flush;
    }

    private static IEnumerable<ulong> PagesOf(ulong iova, ulong bytes)
    {
        ulong first = iova >> TraceRecord.PageLg2;
        for (ulong i = 0; i < bytes >> TraceRecord.PageLg2; i++)
        {
            yield return first + i;
        }
    }
}
