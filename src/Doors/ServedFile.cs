namespace FastIova;

/// <summary>A file that clients hold descriptors for: the engine's end of their connection, and what it stands for.</summary>
/// <remarks>
/// <para>Owns: its end of the connection. The kernel says when the last descriptor of the other end is closed.</para>
/// <para>Invariants. S1: the file is closed once, after the last descriptor is gone and the last call on it has returned.
/// S2: one token lies on the connection while the file is readable, so that the kernel's own poll answers; a token that is
/// stale is taken off by the client of the next call on the file.</para>
/// <para>Threads: any. Teardown: never fails.</para>
/// </remarks>
internal sealed class ServedFile
{
    private static readonly byte[] Token = [1];

    private readonly Lock _tokens = new();
    private readonly UnixSocket _near;
    private readonly Quota _quota;
    private bool _tokenLies;

    // Twice the calls that run, plus one while some client holds a descriptor.
    private int _users = 1;

    internal ServedFile(ulong id, ulong farInode, UnixSocket near, OpenFile file, Quota quota, Client? opener)
    {
        _quota = quota;
        Opener = opener;
        Id = id;
        FarInode = farInode;
        _near = near;
        File = file;
    }

    /// <summary>What the name of the connection says.</summary>
    internal ulong Id { get; }

    /// <summary>The client that opened it, if one did; others may hold it when that one is gone.</summary>
    internal Client? Opener { get; }

    /// <summary>The number of the client's end, as <c>/proc/PID/fd</c> shows it.</summary>
    internal ulong FarInode { get; }

    /// <summary>What it stands for.</summary>
    internal OpenFile File { get; }

    /// <summary>The descriptor of the engine's end.</summary>
    internal int Number => _near.Number;

    /// <summary>Set when the file was never given to a client after all: its maker closes it.</summary>
    internal bool IsAbandoned { get; set; }

    /// <summary>Begins to report readiness.</summary>
    internal void Open()
    {
        File.OnReadinessChanged = LayToken;
        LayToken();
    }

    /// <summary>Begins a call.</summary>
    /// <returns>False when the file is closed (EBADF).</returns>
    internal bool TryEnter()
    {
        int users = Volatile.Read(ref _users);
        while (users != 0)
        {
            int seen = Interlocked.CompareExchange(ref _users, users + 2, users);
            if (seen == users)
            {
                return true;
            }

            users = seen;
        }

        return false;
    }

    /// <summary>Ends a call.</summary>
    internal void Leave() => Release(2);

    /// <summary>The last descriptor is gone. Called once.</summary>
    internal void HangUp() => Release(1);

    /// <summary>After a call on the file: how many stale tokens its client must take off.</summary>
    internal uint TakeStaleTokens()
    {
        if (!_tokenLies)
        {
            return 0;
        }

        lock (_tokens)
        {
            if (!_tokenLies || File.IsReadable)
            {
                return 0;
            }

            _tokenLies = false;
            return 1;
        }
    }

    private void LayToken()
    {
        lock (_tokens)
        {
            if (!_tokenLies && File.IsReadable)
            {
                _tokenLies = _near.TrySend(Token);
            }
        }
    }

    private void Release(int users)
    {
        if (Interlocked.Add(ref _users, -users) == 0)
        {
            File.OnReadinessChanged = null;
            if (!IsAbandoned)
            {
                File.Close();
            }

            _near.Dispose();
            _quota.GiveBack(1);
        }
    }
}
