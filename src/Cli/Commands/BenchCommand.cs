using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FastIova.Cli;

/// <summary><c>fastiova bench</c>: measures, compares with the bounds of the machine and writes the report.</summary>
internal static class BenchCommand
{
    private const int RepsLast = 1000;

    internal static Command Create()
    {
        var quick = new Option<bool>("--quick")
        {
            Description = "Smaller sets and fewer repetitions: checks that everything runs; the figures are rough.",
        };
        var only = new Option<string[]>("--only")
        {
            Description = "Measure only figures whose id begins with one of these.",
            HelpName = "ID-PREFIX",
            AllowMultipleArgumentsPerToken = true,
            Arity = ArgumentArity.OneOrMore,
        };
        only.Validators.Add(TakesNoOptions);
        var trace = new Option<string[]>("--trace")
        {
            Description = "Replay these recorded DMA traces instead of the default ones.",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
            Arity = ArgumentArity.OneOrMore,
        };
        trace.Validators.Add(FilesExist);
        var output = new Option<string?>("--out")
        {
            Description = "The folder for bench.json and bench.md. Default: perf-reports/<cpu-model>/ of the repository; "
                + "its sub-folder quick/ with --quick, --only or --trace, so that a partial run never replaces a full one.",
            HelpName = "DIR",
        };
        output.Validators.Add(IsNoFile);
        var reps = new Option<int?>("--reps")
        {
            Description = $"Counted repetitions of every measurement, 1 to {RepsLast}. Default: {BenchRun.FullReps}, with --quick {BenchRun.QuickReps}.",
            HelpName = "N",
            CustomParser = ParseReps,
        };

        var command = new Command("bench", "Measure the engine against the bounds of this machine.") { quick, only, trace, output, reps };
        command.SetAction(parsed => BenchSession.Run(
            new BenchOptions(
                parsed.GetValue(quick),
                parsed.GetValue(reps),
                parsed.GetValue(only) ?? [],
                parsed.GetValue(trace) ?? [],
                parsed.GetValue(output)),
            Suites.All,
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error));
        return command;
    }

    private static int? ParseReps(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int reps) && reps is >= 1 and <= RepsLast)
        {
            return reps;
        }

        argument.AddError($"--reps '{text}' is not a number from 1 to {RepsLast}: give how often to repeat each measurement, for example --reps 9.");
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
