using System.CommandLine;
using System.CommandLine.Parsing;

namespace FastIova.Cli;

/// <summary>The option that says where a command that hosts an engine offers its metrics.</summary>
internal sealed class MetricsArguments
{
    private readonly Option<string?> _metrics = new("--metrics")
    {
        Description = "Answer GET /metrics in Prometheus' text format at 127.0.0.1:PORT (port 0: one that is free), or at a socket PATH.sock. Other machines are refused. 'fastiova top' reads it.",
        HelpName = "127.0.0.1:PORT|PATH.sock",
    };

    internal MetricsArguments() => _metrics.Validators.Add(IsHere);

    /// <summary>The option, to add to a command.</summary>
    internal Option Option => _metrics;

    /// <summary>Begins to answer, when it was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="endpoint">Who answers; null when nobody asked.</param>
    /// <returns>False when it cannot be; that is said already.</returns>
    internal bool TryStart(ParseResult parsed, out MetricsEndpoint? endpoint)
    {
        endpoint = null;
        if (parsed.GetValue(_metrics) is not { } text || !MetricsAddress.TryParse(text, out MetricsAddress? address, out _))
        {
            return true;
        }

        try
        {
            endpoint = MetricsEndpoint.Start(address);
            return true;
        }
        catch (IOException refused)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"fastiova: --metrics '{text}': {refused.Message}");
            return false;
        }
    }

    private static void IsHere(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            if (!MetricsAddress.TryParse(token.Value, out _, out string? complaint))
            {
                option.AddError($"--metrics {complaint}");
            }
        }
    }
}
