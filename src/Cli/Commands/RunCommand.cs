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
        var socket = new Option<string?>("--socket")
        {
            Description = "Use the engine that 'fastiova serve --socket PATH' keeps, instead of an own one.",
            HelpName = "PATH",
        };
        var program = new Argument<string[]>("PROGRAM")
        {
            Description = "The program and its arguments, behind --. It must be dynamically linked.",
            Arity = ArgumentArity.OneOrMore,
        };

        var command = new Command(
            "run",
            "Run a program whose /dev/iommu and /dev/vfio/vfio are FastIova. Input, output, signals and the exit code are the program's; "
            + "128 and the signal's number when a signal ended it, 127 when there is no such program, 126 when it cannot be executed.")
        {
            socket,
            devices.Option,
            metrics.Option,
            program,
        };
        foreach (Option option in engine.All)
        {
            command.Add(option);
        }

        command.Validators.Add(result => HasOneEngine(result, [.. engine.All, devices.Option, metrics.Option], socket));
        command.SetAction(parsed => Run(parsed, engine, devices, metrics, parsed.GetValue(socket), parsed.GetValue(program)!));
        return command;
    }

    private static int Run(ParseResult parsed, EngineArguments arguments, DeviceArguments devices, MetricsArguments metrics, string? socket, string[] program)
    {
        TextWriter error = parsed.InvocationConfiguration.Error;
        if (socket is not null)
        {
            return RunElsewhere(socket, program, error);
        }

        EngineOptions options = arguments.Options(parsed);
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
            return GuestProgram.Run(program, door.Variable, views.Root, error);
        }
    }

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
