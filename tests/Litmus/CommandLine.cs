using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FastIova.Litmus;

/// <summary>Reads the command line and starts the proof, or the race when this is a child of one.</summary>
internal static class CommandLine
{
    internal const string SecondsOption = "--seconds";
    internal const string SeedOption = "--seed";
    internal const string RaceOption = "--race";
    internal const string CastOption = "--cast";

    private const int DefaultSeconds = 60;
    private const int QuickSeconds = 10;
    private const int SecondsLast = 86_400;

    internal static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var seconds = new Option<int?>(SecondsOption)
        {
            Description = $"How long to race the engine, after the controls. Default: {DefaultSeconds}, with --quick {QuickSeconds}.",
            HelpName = "N",
            CustomParser = argument => Parse(SecondsOption, argument, 1, SecondsLast),
        };
        var seed = new Option<int?>(SeedOption)
        {
            Description = "Repeats the random choices of an earlier run; the threads meet differently all the same. Default: taken from the clock.",
            HelpName = "N",
            CustomParser = argument => Parse(SeedOption, argument, 0, int.MaxValue / 2),
        };
        var quick = new Option<bool>("--quick") { Description = "About 20 seconds in all, for every day." };
        var race = new Option<Flaw?>(RaceOption) { Hidden = true };
        var cast = new Option<Cast>(CastOption) { Hidden = true };
        var root = new RootCommand(
            "Races translations against unmaps and proves that none is used after its unmap has returned. First come controls: orders of "
            + "an unmap with one step left out, which must be caught. Exit codes: 0 proved, 1 refuted, 2 bad usage, 3 inconclusive.")
        {
            seconds, seed, quick, race, cast,
        };
        root.SetAction(parsed =>
        {
            int time = parsed.GetValue(seconds) ?? (parsed.GetValue(quick) ? QuickSeconds : DefaultSeconds);
            int chosen = parsed.GetValue(seed) ?? Environment.TickCount & 0xFFFF;
            return parsed.GetValue(race) is { } flaw
                ? Race.Run(new RaceTerms(flaw, parsed.GetValue(cast), TimeSpan.FromSeconds(time), chosen), output)
                : new Proof(TimeSpan.FromSeconds(time), chosen, output, error).Run();
        });

        ParseResult result = root.Parse(args);
        if (result.Errors.Count > 0 && result.Action is not HelpAction)
        {
            foreach (ParseError complaint in result.Errors)
            {
                error.WriteLine($"litmus: {complaint.Message}");
            }

            error.WriteLine("litmus: '--help' lists what is accepted.");
            return ExitCode.BadUsage;
        }

        return result.Invoke(new InvocationConfiguration { Output = output, Error = error });
    }

    private static int? Parse(string option, ArgumentResult argument, int first, int last)
    {
        string text = argument.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= first && number <= last)
        {
            return number;
        }

        argument.AddError($"{option} '{text}' is not a number from {first} to {last}.");
        return null;
    }
}
