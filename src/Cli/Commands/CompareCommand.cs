using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FastIova.Cli;

/// <summary><c>fastiova bench compare</c>: what became slower from one build or report to another.</summary>
internal static class CompareCommand
{
    private const double PercentLast = 100;

    internal static Command Create()
    {
        var before = new Argument<string>("BASE")
        {
            Description = $"What to compare with: a report (bench.json), or a build of fastiova (a working tree, a fastiova.dll, an executable, or '{EngineBuild.Now}' for this program), which is measured.",
        };
        var after = new Argument<string?>("NEW")
        {
            Description = $"What is to be judged: a report or a build, as BASE. Default: {EngineBuild.Now}.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        before.Validators.Add(BenchCommand.TakesNoOptions);
        after.Validators.Add(BenchCommand.TakesNoOptions);
        var limit = new Option<double?>("--max-regression")
        {
            Description = "How much slower a figure may be, in per cent. Default: 5%.",
            HelpName = "PERCENT",
            CustomParser = ParsePercent,
        };
        var rounds = new Option<int?>("--rounds")
        {
            Description = $"The most rounds in which a suspicious figure is measured again: {CompareTerms.RoundsLeast} to {CompareTerms.RoundsLast}, or 0 to compare reports as they are. Default: {CompareTerms.DefaultRounds}.",
            HelpName = "N",
            CustomParser = ParseRounds,
        };
        Option<string?> baseBuild = Build("--base-build", "BASE");
        Option<string?> newBuild = Build("--new-build", "NEW");
        Option<string[]> only = BenchCommand.Only();
        only.Description = "Compare only figures whose id begins with one of these.";
        Option<bool> quick = BenchCommand.Quick();
        Option<int?> reps = BenchCommand.Reps();
        var summary = new Option<string?>("--summary")
        {
            Description = "Write the result as Markdown to this file. Where GITHUB_STEP_SUMMARY names a file, it is added to that one too.",
            HelpName = "FILE",
        };

        var command = new Command(
            "compare",
            "Say what became slower. Exit code 0: nothing; 1: something, or something could not be measured; 2: bad usage. "
                + "Compared are ratios to bounds; times without a bound are scaled by the figures of the machine suite. Of builds, what looks slower is measured again in turns before it is called so.")
        {
            before, after, limit, rounds, baseBuild, newBuild, only, quick, reps, summary,
        };
        command.SetAction(parsed => CompareSession.Run(
            new CompareOptions(
                parsed.GetValue(before)!,
                parsed.GetValue(after) ?? EngineBuild.Now,
                new CompareTerms(parsed.GetValue(limit) ?? CompareTerms.DefaultRegression, parsed.GetValue(rounds) ?? CompareTerms.DefaultRounds))
            {
                BaseBuild = parsed.GetValue(baseBuild),
                NewBuild = parsed.GetValue(newBuild),
                Only = parsed.GetValue(only) ?? [],
                Quick = parsed.GetValue(quick),
                Reps = parsed.GetValue(reps),
                Summary = parsed.GetValue(summary),
            },
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error));
        return command;
    }

    private static Option<string?> Build(string name, string side) => new(name)
    {
        Description = $"The build behind the report {side}: lets what looks slower be measured again.",
        HelpName = "BUILD",
    };

    private static double? ParsePercent(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (double.TryParse(text.TrimEnd('%').Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent) && percent is > 0 and <= PercentLast)
        {
            return percent / 100;
        }

        argument.AddError($"--max-regression '{text}' is not above 0 % and at most {PercentLast:0} %: give how much slower a figure may be, for example --max-regression 5%.");
        return null;
    }

    private static int? ParseRounds(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int rounds) && rounds is 0 or (>= CompareTerms.RoundsLeast and <= CompareTerms.RoundsLast))
        {
            return rounds;
        }

        argument.AddError($"--rounds '{text}' is neither 0 nor a number from {CompareTerms.RoundsLeast} to {CompareTerms.RoundsLast}: fewer rounds than {CompareTerms.RoundsLeast} prove nothing.");
        return null;
    }
}
