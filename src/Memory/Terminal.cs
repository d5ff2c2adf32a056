namespace FastIova;

/// <summary>Signals between this process and its terminal or its children.</summary>
/// <remarks>Threads: any.</remarks>
internal static class Terminal
{
    /// <summary>
    /// Whether this process is in the group that its terminal's keys are for: a key like Control-C then reaches every
    /// process of the group by itself.
    /// </summary>
    internal static bool IsInForeground
    {
        get
        {
            for (int fd = 0; fd <= 2; fd++)
            {
                int group = Libc.TerminalGroup(fd);
                if (group > 0)
                {
                    return group == Libc.ProcessGroup(0);
                }
            }

            return false;
        }
    }

    /// <summary>Sends a signal to a process.</summary>
    internal static void Signal(int process, int signal) => _ = Libc.Kill(process, signal);
}
