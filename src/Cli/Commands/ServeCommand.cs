using System.CommandLine;
using System.CommandLine.Parsing;

namespace FastIova.Cli;

/// <summary><c>fastiova serve</c>: keeps an engine for several programs, until it is told to end.</summary>
internal static class ServeCommand
{
    private const double DrainSecondsMost = 86_400;

    internal static Command Create()
    {
        var engine = new EngineArguments();
        var devices = new DeviceArguments();
        var metrics = new MetricsArguments();
        var limits = new LimitArguments();
        var record = new RecordArguments("--record", isRequired: false);
        var socket = new Option<string>("--socket")
        {
            Description = "Where programs connect: 'fastiova run --socket PATH -- PROGRAM'. Whoever may write to this path may use the engine. "
                + "A socket that a supervisor passes (LISTEN_FDS) is used instead of a new one; give its path all the same.",
            HelpName = "PATH",
            Required = true,
        };
        socket.Validators.Add(IsFree);
        var drain = new Option<double>("--drain")
        {
            Description = "How many seconds SIGTERM leaves to the programs that are there, before they are cut off; a second signal cuts them off at once.",
            HelpName = "SECONDS",
            DefaultValueFactory = _ => 10,
        };
        drain.Validators.Add(IsTime);

        var command = new Command(
            "serve",
            "Keep an engine for several programs, until SIGTERM or SIGINT ends it: no new programs then, those that are there may finish. "
            + $"Says one line when it is ready. Exit code 0, or {ExitCode.CutOff} when programs had to be cut off.")
        {
            socket, limits.Option, drain, metrics.Option, record.Option,
        };
        foreach (Option option in devices.All.Concat(engine.All))
        {
            command.Add(option);
        }

        command.SetAction(parsed => Serve(parsed, engine, devices, metrics, record, limits.Limits(parsed), parsed.GetValue(socket)!, TimeSpan.FromSeconds(parsed.GetValue(drain))));
        return command;
    }

    /// <summary>The file beside a socket that says what programs must know.</summary>
    internal static string AboutPath(string socket) => socket + ".door";

    private static int Serve(ParseResult parsed, EngineArguments arguments, DeviceArguments devices, MetricsArguments metrics, RecordArguments record, DoorLimits limits, string socket, TimeSpan drain)
    {
        string path = Path.GetFullPath(socket);
        if (!record.TryMake(parsed, out DmaRecorder? recorder))
        {
            return ExitCode.Failed;
        }

        using DmaRecorder? recorded = recorder;
        EngineOptions options = arguments.Options(parsed) with { Recorder = recorder };
        EventLog log = arguments.Log(parsed, isLimited: true);
        using var engine = new Engine(options);
        if (!EngineViews.TryMake(parsed, engine, arguments, devices, out EngineViews? made))
        {
            return ExitCode.BadUsage;
        }

        using EngineViews views = made;
        if (!metrics.TryStart(parsed, out MetricsEndpoint? endpoint))
        {
            return ExitCode.Failed;
        }

        using MetricsEndpoint? answers = endpoint;
        ProgramDoor door;
        try
        {
            var about = new DoorOptions
            {
                Socket = path,
                Listener = Supervisor.TakeSocket(),
                Limits = limits,
                LockLimitPages = options.LockLimitPages,
                OffersFaults = options.TestBackend,
                ShowsDevices = views.Topology is not null,
                OnEvent = log.Write,
            };
            door = new ProgramDoor(new DeviceNodes(engine, views.Topology).Open, about, static _ => { });
        }
        catch (IOException refused)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"fastiova: --socket '{socket}': {refused.Message}");
            return ExitCode.Failed;
        }

        using (door)
        using (var service = new ServiceRun(door, log, drain))
        {
            return service.Run(path, views.Root, endpoint, parsed.InvocationConfiguration.Output);
        }
    }

    private static void IsTime(OptionResult option)
    {
        if (option.GetValueOrDefault<double>() is var seconds && !(seconds >= 0 && seconds <= DrainSecondsMost))
        {
            option.AddError($"--drain {seconds} is no time to wait: give 0 to {DrainSecondsMost} seconds.");
        }
    }

    private static void IsFree(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            if (token.Value.Length == 0 || !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(token.Value))))
            {
                option.AddError($"--socket '{token.Value}' does not lie in a folder that exists: make the folder first.");
            }
            else if (File.Exists(token.Value) && !Supervisor.PassesSocket)
            {
                option.AddError($"--socket '{token.Value}' exists: another engine serves there, or has left it behind; end that engine or delete the file.");
            }
        }
    }
}
