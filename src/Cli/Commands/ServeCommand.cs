using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary><c>fastiova serve</c>: keeps an engine for several programs, until it is told to end.</summary>
internal static class ServeCommand
{
    internal static Command Create()
    {
        var engine = new EngineArguments();
        var devices = new DeviceArguments();
        var metrics = new MetricsArguments();
        var socket = new Option<string>("--socket")
        {
            Description = "Where programs connect: 'fastiova run --socket PATH -- PROGRAM'. Whoever may write to this path may use the engine.",
            HelpName = "PATH",
            Required = true,
        };
        socket.Validators.Add(IsFree);

        var command = new Command("serve", "Keep an engine for several programs, until SIGTERM or SIGINT ends it. Says one line when it is ready.") { socket, devices.Option, metrics.Option };
        foreach (Option option in engine.All)
        {
            command.Add(option);
        }

        command.SetAction(parsed => Serve(parsed, engine, devices, metrics, parsed.GetValue(socket)!));
        return command;
    }

    /// <summary>The file beside a socket that says what programs must know.</summary>
    internal static string AboutPath(string socket) => socket + ".door";

    private static int Serve(ParseResult parsed, EngineArguments arguments, DeviceArguments devices, MetricsArguments metrics, string socket)
    {
        string path = Path.GetFullPath(socket);
        EngineOptions options = arguments.Options(parsed);
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
            door = new ProgramDoor(new DeviceNodes(engine, views.Topology).Open, options, path, arguments.Complaints(parsed)) { ShowsDevices = views.Topology is not null };
        }
        catch (IOException refused)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"fastiova: --socket '{socket}': {refused.Message}");
            return ExitCode.Failed;
        }

        using (door)
        using (var told = new ManualResetEventSlim())
        {
            string about = AboutPath(path);
            File.WriteAllText(about, $"{door.Variable}\n{views.Root}\n");
            using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
            using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
            if (endpoint is not null)
            {
                parsed.InvocationConfiguration.Output.WriteLine($"fastiova: {endpoint}");
            }

            parsed.InvocationConfiguration.Output.WriteLine($"fastiova: serving at {path}");
            parsed.InvocationConfiguration.Output.Flush();
            told.Wait();
            File.Delete(about);
            return ExitCode.Done;

            void End(PosixSignalContext context)
            {
                context.Cancel = true;
                told.Set();
            }
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
            else if (File.Exists(token.Value))
            {
                option.AddError($"--socket '{token.Value}' exists: another engine serves there, or has left it behind; end that engine or delete the file.");
            }
        }
    }
}
