using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;

namespace FastIova.Cli;

/// <summary>The <c>fastiova</c> command: reads the command line and hands over to one command.</summary>
internal static class Program
{
    internal static int Main(string[] args) => Run(args, Console.Out, Console.Error);

    /// <summary>Runs one command line.</summary>
    /// <param name="args">The words after the program's name.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where progress and complaints go.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var root = new RootCommand("FastIova, a user-space IOMMU: run programs on it, and measure it.")
        {
            RunCommand.Create(),
            ServeCommand.Create(),
            TopCommand.Create(),
            DevicesCommand.Create(),
            BenchCommand.Create(),
            TraceCommand.Create(),
        };
        ParseResult parsed = root.Parse(args);

        // Asked for help, a user gets it, whatever else is on the line.
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction)
        {
            foreach (ParseError complaint in parsed.Errors)
            {
                error.WriteLine($"fastiova: {complaint.Message}");
            }

            error.WriteLine($"fastiova: 'fastiova{PathOf(parsed.CommandResult)} --help' lists what is accepted.");
            return ExitCode.BadUsage;
        }

        return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error });
    }

    // A command of a command is called by both names.
    private static string PathOf(CommandResult command) =>
        command.Parent is CommandResult above ? $"{PathOf(above)} {command.Command.Name}" : string.Empty;
}
