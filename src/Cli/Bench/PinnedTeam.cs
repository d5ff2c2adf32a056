namespace FastIova.Cli;

/// <summary>Threads that start together, each on a processor of its own. One use.</summary>
/// <remarks>Threads: one runs it; <see cref="IsOver"/> is for the members.</remarks>
internal sealed class PinnedTeam
{
    private readonly int[] _processors;
    private volatile bool _over;
    private int _ready;
    private Exception? _failure;

    /// <param name="members">How many processors are needed.</param>
    /// <exception cref="BenchFailureException">The machine has fewer: threads that share a processor measure its scheduler.</exception>
    internal PinnedTeam(int members)
    {
        _processors = Affinity.Allowed();
        if (_processors.Length < members)
        {
            throw new BenchFailureException(
                $"{members} threads need a processor each, this process may use {_processors.Length}: give it more with taskset, or leave these figures out with --only.");
        }
    }

    /// <summary>Whether a member has ended: the others have nobody left to work with.</summary>
    internal bool IsOver => _over;

    /// <summary>Runs every member to its end.</summary>
    /// <param name="members">At most as many as were announced.</param>
    /// <exception cref="BenchFailureException">A member failed.</exception>
    internal void Run(params Action[] members)
    {
        var threads = new Thread[members.Length];
        for (int i = 0; i < members.Length; i++)
        {
            int processor = _processors[i];
            Action body = members[i];
            threads[i] = new Thread(() => RunMember(processor, body, members.Length)) { IsBackground = true };
            threads[i].Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        if (_failure is not null)
        {
            throw new BenchFailureException($"A thread of the measurement failed: {_failure.Message}", _failure);
        }
    }

    private void RunMember(int processor, Action body, int members)
    {
        try
        {
            bool bound = Affinity.Bind(processor);
            _ = Interlocked.Increment(ref _ready);
            while (Volatile.Read(ref _ready) < members)
            {
                Thread.SpinWait(1);
            }

            if (!bound)
            {
                throw new BenchFailureException($"Linux did not bind a thread to processor {processor}.");
            }

            body();
        }
#pragma warning disable CA1031 // whatever ended the member is thrown again on the thread that waits for the team
        catch (Exception failure)
#pragma warning restore CA1031 // see above
        {
            _failure = failure;
        }
        finally
        {
            _over = true;
        }
    }
}
