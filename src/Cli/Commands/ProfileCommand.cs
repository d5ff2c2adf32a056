using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FastIova.Cli;

/// <summary><c>fastiova bench profile</c>: where a figure's time goes.</summary>
internal static class ProfileCommand
{
    private const int DefaultFrequency = 999;
    private const int DefaultReps = 30;
    private const int FrequencyLast = 20_000;
    private const string DefaultFile = "flame.svg";

    internal static Command Create()
    {
        var only = new Argument<string>("SUITE") { Description = "What the ids of the figures begin with, as in ring or translate/batch256/L." };
        only.Validators.Add(BenchCommand.TakesNoOptions);
        var file = new Option<string?>("--out")
        {
            Description = $"The flame graph, an SVG. Default: {DefaultFile} in the current folder.",
            HelpName = "FILE",
        };
        var frequency = new Option<int?>("--frequency")
        {
            Description = $"Samples per second and processor, 1 to {FrequencyLast}. Default: {DefaultFrequency}.",
            HelpName = "HERTZ",
            CustomParser = ParseFrequency,
        };
        var setUp = new Option<bool>("--set-up") { Description = "Show what prepares the measurements too: filling tables, compiling, writing the report." };
        Option<bool> quick = BenchCommand.Quick();
        Option<int?> reps = BenchCommand.Reps();
        reps.Description = $"Counted repetitions of every measurement. Default: {DefaultReps}, so that there are samples enough.";
        var command = new Command("profile", "Measure under 'perf record -e cpu-clock', draw a flame graph and print what ran most. Needs perf.") { only, file, frequency, setUp, quick, reps };
        command.SetAction(parsed => ProfileSession.Run(
            parsed.GetValue(only)!,
            EngineBuild.Words(parsed.GetValue(quick), parsed.GetValue(reps) ?? DefaultReps),
            parsed.GetValue(frequency) ?? DefaultFrequency,
            parsed.GetValue(file) ?? DefaultFile,
            parsed.GetValue(setUp),
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error));
        return command;
    }

    private static int? ParseFrequency(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int frequency) && frequency is >= 1 and <= FrequencyLast)
        {
            return frequency;
        }

        argument.AddError($"--frequency '{text}' is not a number from 1 to {FrequencyLast}: give samples per second, for example --frequency {DefaultFrequency}.");
        return null;
    }
}
