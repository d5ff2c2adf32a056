using System.CommandLine;

namespace FastIova.Cli;

/// <summary>The option that says where an engine's DMA traffic is recorded.</summary>
/// <param name="name">What the option is called.</param>
/// <param name="isRequired">Whether it must be given.</param>
internal sealed class RecordArguments(string name, bool isRequired)
{
    private readonly Option<string?> _out = new(name)
    {
        Description = "Record what is mapped and translated as a DMA trace: 'fastiova trace info' and 'trace replay' read it. Translations are slower then.",
        HelpName = "FILE",
        Required = isRequired,
    };

    /// <summary>The option, to add to a command.</summary>
    internal Option Option => _out;

    /// <summary>Makes the recorder, when one was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="recorder">The recorder; null when nobody asked.</param>
    /// <returns>False when nothing can be written there; that is said already.</returns>
    internal bool TryMake(ParseResult parsed, out DmaRecorder? recorder)
    {
        recorder = null;
        string? path = parsed.GetValue(_out);
        if (path is null)
        {
            return true;
        }

        try
        {
            recorder = new DmaRecorder(Path.GetFullPath(path));
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"fastiova: {name} '{path}': {refused.Message}");
            return false;
        }
    }
}
