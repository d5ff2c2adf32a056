using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FastIova.Cli;

/// <summary><c>fastiova run</c>: runs a program whose <c>/dev/iommu</c> and <c>/dev/vfio/vfio</c> are an engine's.</summary>
internal static class RunCommand
{
    private static readonly TimeSpan ServiceStartsWithin = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LooksEvery = TimeSpan.FromMilliseconds(20);

    internal static Command Create()
    {
        var engine = new EngineArguments();
        var devices = new DeviceArguments();
        var metrics = new MetricsArguments();
        var record = new RecordArguments("--record", isRequired: false);
        var socket = new Option<string?>("--socket")
        {
            Description = "Use the engine that 'fastiova serve --socket PATH' keeps, instead of an own one.",
            HelpName = "PATH",
        };
        Option<bool> summary = Summary();
        Argument<string[]> program = Program();

        var command = new Command(
            "run",
            "Run a program whose /dev/iommu and /dev/vfio/vfio are FastIova. Input, output, signals and the exit code are the program's; "
            + "128 and the signal's number when a signal ended it, 127 when there is no such program, 126 when it cannot be executed.")
        {
            socket,
            metrics.Option,
            record.Option,
            summary,
            program,
        };
        foreach (Option option in devices.All.Concat(engine.All))
        {
            command.Add(option);
        }

        command.Validators.Add(result => HasOneEngine(result, [.. engine.All, .. devices.All, metrics.Option, record.Option, summary], socket));
        command.SetAction(parsed => Run(parsed, engine, devices, metrics, record, parsed.GetValue(summary), parsed.GetValue(socket), parsed.GetValue(program)!));
        return command;
    }

    /// <summary><c>fastiova trace record</c>: the same, with a trace.</summary>
    internal static Command CreateRecord()
    {
        var engine = new EngineArguments();
        var devices = new DeviceArguments();
        var metrics = new MetricsArguments();
        var record = new RecordArguments("--out", isRequired: true);
        Argument<string[]> program = Program();
        var command = new Command("record", "Run a program as 'fastiova run' does, and record its DMA traffic: 'fastiova trace record --out FILE --device nvme,memory=64M -- PROGRAM'. 'fastiova serve --record FILE' does it for a service.")
        {
            record.Option, metrics.Option, program,
        };
        foreach (Option option in devices.All.Concat(engine.All))
        {
            command.Add(option);
        }

        command.SetAction(parsed => Run(parsed, engine, devices, metrics, record, summarizes: false, socket: null, parsed.GetValue(program)!));
        return command;
    }

    private static Argument<string[]> Program() => new("PROGRAM")
    {
        Description = "The program and its arguments, behind --. It must be dynamically linked.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static int Run(ParseResult parsed, EngineArguments arguments, DeviceArguments devices, MetricsArguments metrics, RecordArguments record, bool summarizes, string? socket, string[] program)
    {
        TextWriter error = parsed.InvocationConfiguration.Error;
        if (socket is not null)
        {
            return RunElsewhere(socket, program, error);
        }

        if (!record.TryMake(parsed, out DmaRecorder? recorder))
        {
            return ExitCode.Failed;
        }

        using DmaRecorder? recorded = recorder;
        EngineOptions options = arguments.Options(parsed) with { Recorder = recorder };
        using var engine = new Engine(options);
        if (!EngineViews.TryMake(parsed, engine, arguments, devices, out EngineViews? made))
        {
            return ExitCode.BadUsage;
        }

        using (EngineViews views = made)
        {
            if (!metrics.TryStart(parsed, out MetricsEndpoint? endpoint))
            {
                return ExitCode.Failed;
            }

            using MetricsEndpoint? answers = endpoint;
            if (endpoint is not null)
            {
                error.WriteLine($"fastiova: {endpoint}");
            }

            using var door = new ProgramDoor(new DeviceNodes(engine, views.Topology).Open, options, socket: null, arguments.Complaints(parsed)) { ShowsDevices = views.Topology is not null };
            int code = GuestProgram.Run(program, door.Variable, views.Root, error);
            if (summarizes)
            {
                error.WriteLine(SummaryOf(engine.Iommu.ReadCounts()));
            }

            return code;
        }
    }

    private static string SummaryOf(IommuCounts counts) => string.Create(
        CultureInfo.InvariantCulture,
        $"fastiova: {counts.Maps} maps, {counts.Unmaps} unmaps, {counts.Accesses} accesses of devices to {counts.AccessBytes} bytes, "
        + $"{counts.Lookups + counts.SingleWalks} counted look-ups, {counts.Walks + counts.SingleWalks} of them by a walk, {counts.FaultsByPort.Values.Aggregate(0UL, (sum, one) => sum + one)} accesses refused");

    private static Option<bool> Summary() => new("--summary")
    {
        Description = "Say at the end, on the standard error, how much was mapped, unmapped and translated.",
    };

    private static int RunElsewhere(string socket, string[] program, TextWriter error)
    {
        string path = Path.GetFullPath(socket);
        string about = ServeCommand.AboutPath(path);
        if (!File.Exists(about) && !WakeService(path, about))
        {
            error.WriteLine($"fastiova: --socket '{socket}': no engine serves there; start one with 'fastiova serve --socket {socket}'.");
            return ExitCode.BadUsage;
        }

        string[] lines = File.ReadAllLines(about);
        return GuestProgram.Run(program, lines[0], lines is [_, { Length: > 0 } view] ? view : null, error);
    }

    // A supervisor may listen for a service that it starts with the first connection.
    private static bool WakeService(string socket, string about)
    {
        try
        {
            using UnixSocket knock = UnixSocket.Connect(System.Text.Encoding.UTF8.GetBytes(socket));
        }
        catch (IOException)
        {
            return false;
        }

        long end = Environment.TickCount64 + (long)ServiceStartsWithin.TotalMilliseconds;
        using var pause = new ManualResetEventSlim();
        while (!File.Exists(about) && Environment.TickCount64 < end)
        {
            pause.Wait(LooksEvery);
        }

        return File.Exists(about);
    }

    private static void HasOneEngine(CommandResult result, IReadOnlyList<Option> engine, Option<string?> socket)
    {
        if (result.GetResult(socket) is { Implicit: false } && engine.Any(option => result.GetResult(option) is { Implicit: false }))
        {
            result.AddError(string.Create(
                CultureInfo.InvariantCulture,
                $"--socket names an engine that runs already: give {string.Join(", ", engine.Select(option => option.Name))} to 'fastiova serve' instead."));
        }
    }
}
