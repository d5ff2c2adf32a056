using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FastIova.Cli;

/// <summary><c>fastiova bench</c>: measures, sets the figures against the bounds of the machine and writes the report.</summary>
internal static class BenchCommand
{
    private const int RepsLast = 1000;
    private const int RunsLast = 100;

    internal static Command Create()
    {
        Option<bool> quick = Quick();
        Option<string[]> only = Only();
        var trace = new Option<string[]>("--trace")
        {
            Description = "Replay these recorded DMA traces instead of the default ones.",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
            Arity = ArgumentArity.OneOrMore,
        };
        trace.Validators.Add(FilesExist);
        Option<string?> output = Out();
        Option<string?> json = Json();
        var runs = new Option<int?>("--runs")
        {
            Description = $"Measure everything in this many processes, 1 to {RunsLast}, and report the middle one of each figure with what the others saw: "
                + "for reports that are to be compared. Default: 1, this process.",
            HelpName = "N",
            CustomParser = argument => ParseCount(argument, "--runs", RunsLast, "how many processes are to measure", 3),
        };
        Option<int?> reps = Reps();

        var command = new Command("bench", "Measure the engine against the bounds of this machine.")
        {
            quick, only, trace, output, json, runs, reps, CompareCommand.Create(), PageCommand.Create(), ProfileCommand.Create(),
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(runs) is not null && result.GetResult(trace) is { Tokens.Count: > 0 })
            {
                result.AddError("--runs measures what every build can measure; --trace names files for one: leave one of the two out.");
            }
        });
        command.SetAction(parsed =>
        {
            var options = new BenchOptions(
                parsed.GetValue(quick),
                parsed.GetValue(reps),
                parsed.GetValue(only) ?? [],
                parsed.GetValue(trace) ?? [],
                parsed.GetValue(output))
            {
                Json = JsonOf(parsed, json),
                Runs = parsed.GetValue(runs) ?? 1,
            };
            TextWriter table = parsed.InvocationConfiguration.Output;
            TextWriter error = parsed.InvocationConfiguration.Error;
            return options.Runs > 1
                ? BenchSession.RunRepeated(options, EngineBuild.OfThisProgram(EngineBuild.Words(options.Quick, options.Reps)), table, error)
                : BenchSession.Run(options, Suites.All, table, error);
        });
        return command;
    }

    /// <summary>The option for a rough run, as every command that measures has it.</summary>
    internal static Option<bool> Quick() => new("--quick")
    {
        Description = "Smaller sets and fewer repetitions: checks that everything runs; the figures are rough.",
    };

    /// <summary>The option that picks figures, as every command that measures has it.</summary>
    internal static Option<string[]> Only()
    {
        var only = new Option<string[]>("--only")
        {
            Description = "Measure only figures whose id begins with one of these.",
            HelpName = "ID-PREFIX",
            AllowMultipleArgumentsPerToken = true,
            Arity = ArgumentArity.OneOrMore,
        };
        only.Validators.Add(TakesNoOptions);
        return only;
    }

    /// <summary>The option for the repetitions within a process, as every command that measures has it.</summary>
    internal static Option<int?> Reps() => new("--reps")
    {
        Description = $"Counted repetitions of every measurement, 1 to {RepsLast}. Default: {BenchRun.FullReps}, with --quick {BenchRun.QuickReps}.",
        HelpName = "N",
        CustomParser = argument => ParseCount(argument, "--reps", RepsLast, "how often to repeat each measurement", 9),
    };

    /// <summary>Refuses a misspelled option that would be taken for a word of an argument.</summary>
    internal static void TakesNoOptions(ArgumentResult argument)
    {
        foreach (Token token in argument.Tokens)
        {
            if (token.Value.StartsWith('-'))
            {
                argument.AddError($"'{token.Value}' is no option of this command: check its spelling, or write ./{token.Value} for a file of that name.");
            }
        }
    }

    /// <summary>The option for the folder of the report.</summary>
    internal static Option<string?> Out()
    {
        var output = new Option<string?>("--out")
        {
            Description = "The folder for bench.json and bench.md. Default: perf-reports/<cpu-model>/ of the repository; "
                + "its sub-folder quick/ with --quick, --only or --trace, so that a partial run never replaces a full one.",
            HelpName = "DIR",
        };
        output.Validators.Add(IsNoFile);
        return output;
    }

    /// <summary>The option for the report for programs.</summary>
    internal static Option<string?> Json()
    {
        var json = new Option<string?>("--json")
        {
            Description = "Write the report for programs to this file in place of a folder, or beside it when --out is given too. "
                + "Without FILE, or with -, it goes to the standard output, and nothing else does.",
            HelpName = "FILE|-",
            Arity = ArgumentArity.ZeroOrOne,
        };
        json.Validators.Add(IsNoFolder);
        return json;
    }

    /// <summary>The value of <see cref="Json"/>, which may be given without a word behind it.</summary>
    internal static string? JsonOf(ParseResult parsed, Option<string?> json) =>
        parsed.GetResult(json) is null ? null : parsed.GetValue(json) ?? BenchOptions.StandardOutput;

    private static int? ParseCount(ArgumentResult argument, string option, int last, string what, int example)
    {
        string text = argument.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count >= 1 && count <= last)
        {
            return count;
        }

        argument.AddError($"{option} '{text}' is not a number from 1 to {last}: give {what}, for example {option} {example}.");
        return null;
    }

    // An option that takes many words would take a misspelled option for one of them.
    private static void TakesNoOptions(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            if (token.Value.StartsWith('-'))
            {
                option.AddError($"'{token.Value}' is no option of bench, and no id begins with a hyphen: check its spelling.");
            }
        }
    }

    private static void FilesExist(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            if (!File.Exists(token.Value))
            {
                option.AddError($"--trace '{token.Value}' is not a file: give the path of a recorded trace.");
            }
        }
    }

    private static void IsNoFolder(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            if (token.Value.Length == 0 || Directory.Exists(token.Value))
            {
                option.AddError($"--json '{token.Value}' is not a file: name a file, which is replaced, or - for the standard output.");
            }
        }
    }

    private static void IsNoFile(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            if (token.Value.Length == 0 || File.Exists(token.Value))
            {
                option.AddError($"--out '{token.Value}' is not a folder: give a folder, which is made when it does not exist.");
            }
        }
    }
}
