namespace FastIova;

/// <summary>What one thread weighs against others where processors are scarce: its nice value (nice(2)).</summary>
/// <remarks>
/// <para>Owns: nothing. Made on the thread itself, which counts as the whole; a part of it can be told from any thread while it runs.</para>
/// <para>Threads: any, one at a time.</para>
/// </remarks>
internal sealed class ThreadWeight
{
    // Linux: each step of nice is a quarter of the weight less, or a quarter more of one less.
    private const double Step = 1.25;
    private const int NiceLast = 19;

    private readonly int _thread;
    private readonly int _nice;

    private ThreadWeight(int thread, int nice)
    {
        _thread = thread;
        _nice = nice;
    }

    /// <summary>That of the calling thread.</summary>
    internal static ThreadWeight OfThisThread()
    {
        int thread = Libc.ThreadId();
        return new ThreadWeight(thread, Libc.GetPriority(Libc.PriorityOfThread, thread));
    }

    /// <summary>Makes the thread weigh a part of what it weighed at first.</summary>
    /// <param name="parts">Which part: two for a half, one for the whole.</param>
    /// <remarks>Without CAP_SYS_NICE or a limit (RLIMIT_NICE) a thread becomes lighter only.</remarks>
    internal void Divide(double parts)
    {
        int nice = _nice + (int)Math.Round(Math.Log(parts) / Math.Log(Step));
        _ = Libc.SetPriority(Libc.PriorityOfThread, _thread, Math.Min(nice, NiceLast));
    }
}
