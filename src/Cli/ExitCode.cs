namespace FastIova.Cli;

/// <summary>What the process answers to the shell.</summary>
internal static class ExitCode
{
    /// <summary>Everything that was asked for ran. A missed target is a result, not a failure.</summary>
    internal const int Done = 0;

    /// <summary>A verification failed, or something could not be measured or written.</summary>
    internal const int Failed = 1;

    /// <summary>The command line asks for something that does not exist.</summary>
    internal const int BadUsage = 2;

    /// <summary>A service was told to end, and its programs did not finish in time: they were cut off.</summary>
    internal const int CutOff = 3;
}
