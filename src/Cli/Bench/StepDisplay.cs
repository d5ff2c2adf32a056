using Spectre.Console;

namespace FastIova.Cli;

/// <summary>Shows what a long run is doing: one changing line for a person, one line for each step in a log.</summary>
internal static class StepDisplay
{
    /// <summary>Does the work.</summary>
    /// <typeparam name="T">What it comes to.</typeparam>
    /// <param name="error">Where to show the steps.</param>
    /// <param name="work">Is handed what receives each step.</param>
    /// <returns>What the work returned.</returns>
    internal static T During<T>(TextWriter error, Func<Action<string>, T> work) => During(error, "bench", work);

    /// <summary>Does the work.</summary>
    /// <typeparam name="T">What it comes to.</typeparam>
    /// <param name="error">Where to show the steps.</param>
    /// <param name="name">What each line begins with: the command.</param>
    /// <param name="work">Is handed what receives each step.</param>
    /// <returns>What the work returned.</returns>
    internal static T During<T>(TextWriter error, string name, Func<Action<string>, T> work)
    {
        bool toTerminal = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        if (!toTerminal || !console.Profile.Capabilities.Interactive || !console.Profile.Capabilities.Ansi)
        {
            return work(step => error.WriteLine($"{name}: {step}"));
        }

        // A spinner that turns by itself would take time from the thread that is measured.
        return console.Status().AutoRefresh(false).Start(name, context => work(step =>
        {
            context.Status = Markup.Escape(step);
            context.Refresh();
        }));
    }
}
