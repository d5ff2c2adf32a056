using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using Spectre.Console;

namespace FastIova.Cli;

/// <summary><c>fastiova top</c>: shows in a terminal what a running engine does.</summary>
internal static class TopCommand
{
    internal static Command Create()
    {
        var place = new Argument<string>("ENDPOINT") { Description = "What was given to --metrics: 127.0.0.1:PORT, or the path of a socket." };
        place.Validators.Add(IsHere);
        var once = new Option<bool>("--once") { Description = "Print one table and end." };
        var every = new Option<double>("--every") { Description = "Seconds between two looks, 0.1 to 3600.", HelpName = "SECONDS", DefaultValueFactory = _ => 1 };
        every.Validators.Add(IsPause);
        var command = new Command("top", "Show what a running engine does: look-ups, hits, faults, maps, clients, a line each, with what they gained a second. Ctrl+C ends it.") { place, once, every };
        command.SetAction((parsed, cancellation) => Task.FromResult(Show(parsed, parsed.GetValue(place)!, parsed.GetValue(once), TimeSpan.FromSeconds(parsed.GetValue(every)), cancellation)));
        return command;
    }

    private static int Show(ParseResult parsed, string place, bool once, TimeSpan every, CancellationToken cancellation)
    {
        if (!MetricsAddress.TryParse(place, out MetricsAddress? address, out _))
        {
            return ExitCode.BadUsage;
        }

        using var client = new MetricsClient(address);
        var table = new TopTable();
        long start = Stopwatch.GetTimestamp();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(parsed.InvocationConfiguration.Output) });
        try
        {
            if (once)
            {
                console.Write(table.Make(client.Read(), Stopwatch.GetElapsedTime(start)));
                return ExitCode.Done;
            }

            console.Live(table.Make(client.Read(), Stopwatch.GetElapsedTime(start))).Start(live =>
            {
                while (!cancellation.WaitHandle.WaitOne(every))
                {
                    live.UpdateTarget(table.Make(client.Read(), Stopwatch.GetElapsedTime(start)));
                }
            });
            return ExitCode.Done;
        }
        catch (Exception gone) when (gone is HttpRequestException or TaskCanceledException or FormatException)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"fastiova: {place}: {gone.Message} Start an engine with 'fastiova serve --metrics {place}' or 'fastiova run --metrics {place}'.");
            return ExitCode.Failed;
        }
    }

    private static void IsHere(ArgumentResult argument)
    {
        foreach (Token token in argument.Tokens)
        {
            if (!MetricsAddress.TryParse(token.Value, out _, out string? complaint))
            {
                argument.AddError(complaint);
            }
        }
    }

    private static void IsPause(OptionResult option)
    {
        if (option.GetValueOrDefault<double>() is var seconds && !(seconds is >= 0.1 and <= 3600))
        {
            option.AddError($"--every {seconds} is no pause between two looks: give 0.1 to 3600 seconds.");
        }
    }
}
