namespace FastIova.Litmus;

/// <summary>What the process answers to the shell.</summary>
internal static class ExitCode
{
    /// <summary>Every control was caught, and the race ended clean.</summary>
    internal const int Proved = 0;

    /// <summary>A translation was used after its unmap had returned, or the race broke another promise.</summary>
    internal const int Refuted = 1;

    /// <summary>The command line asks for something that does not exist.</summary>
    internal const int BadUsage = 2;

    /// <summary>A control that breaks the promise was not caught, so a clean race would mean nothing.</summary>
    internal const int Inconclusive = 3;

    /// <summary>Of a racing child only: it saw the promise broken and says how.</summary>
    internal const int Violation = 10;
}
