using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FastIova;

/// <summary>Every file that clients hold, and the clients themselves, as far as their ends are concerned.</summary>
/// <remarks>
/// <para>Owns: the set of descriptors on which ends show.</para>
/// <para>Invariant: <see cref="Sweep"/> returns after every end that had happened before it was called is worked off. Each
/// call begins with it, so whoever closes a descriptor, or sees a process gone, finds the engine knowing it.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class ServedFiles : IDisposable
{
    // The highest bit tells clients from files among the keys of the set.
    private const ulong ClientKeys = 1UL << 63;

    private readonly ulong _engine;
    private readonly ConcurrentDictionary<ulong, ServedFile> _files = new();
    private readonly ConcurrentDictionary<ulong, ServedFile> _byFarInode = new();
    private readonly ConcurrentDictionary<ulong, Client> _watched = new();
    private readonly ReadinessSet _ends = new();
    private readonly Lock _sweeping = new();
    private readonly Action<Exception> _complain;
    private readonly Action<Client> _ended;
    private readonly Action _outlived;
    private readonly StopSignal _stop;

    /// <param name="engine">What the names of this engine's files begin with.</param>
    /// <param name="objects">Memory that clients share.</param>
    /// <param name="complain">Takes what a file's teardown threw, which is a defect of the engine.</param>
    /// <param name="ended">Told of each client that has ended.</param>
    /// <param name="outlived">Told when a file is gone that had outlived its client, in the hands of a process that need not be one.</param>
    internal ServedFiles(ulong engine, BackingObjects objects, Action<Exception> complain, Action<Client> ended, Action outlived)
    {
        _outlived = outlived;
        _engine = engine;
        _complain = complain;
        _ended = ended;
        _stop = new StopSignal(_ends, 0);
        Mappings = new ClientMappings(objects, Sweep, complain);
    }

    /// <summary>What clients have mapped of the files.</summary>
    internal ClientMappings Mappings { get; }

    /// <summary>How many there are.</summary>
    internal int Count => _files.Count;

    /// <summary>Makes the connection for a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="quota">Gets one back when the file is closed.</param>
    /// <param name="opener">The client that opens it; null when none does.</param>
    /// <param name="far">The client's end; the caller hands it over and closes it.</param>
    internal ServedFile Add(OpenFile file, Quota quota, Client? opener, out Descriptor far)
    {
        ulong id = RandomId();
        string name = string.Create(CultureInfo.InvariantCulture, $"\0{DoorProtocol.FileName}{_engine:x16}/{id:x16}");
        (UnixSocket near, UnixSocket other) = UnixSocket.Pair(Encoding.ASCII.GetBytes(name));
        far = other.Release();
        ulong inode = Descriptor.FactsOf(far.Number)?.Inode ?? 0;
        try
        {
            var served = new ServedFile(id, inode, near, file, quota, opener);
            _files[id] = served;
            _byFarInode[inode] = served;
            served.Open();
            _ends.Add(near.Number, Readiness.PeerGone, id);
            return served;
        }
        catch
        {
            _files.TryRemove(id, out _);
            _byFarInode.TryRemove(inode, out _);
            far.Dispose();
            near.Dispose();
            throw;
        }
    }

    /// <summary>Finds a file by its id.</summary>
    internal bool TryGet(ulong id, out ServedFile? file) => _files.TryGetValue(id, out file);

    /// <summary>Finds a file by the number of the client's end.</summary>
    internal bool TryGetByFarInode(ulong inode, out ServedFile? file) => _byFarInode.TryGetValue(inode, out file);

    /// <summary>Watches for the end of a client, which <see cref="End(Client)"/> ends in any case.</summary>
    /// <returns>False when the kernel watches no more for this user.</returns>
    internal bool TryWatch(Client client)
    {
        ulong key = client.Token;
        _watched[key] = client;
        try
        {
            _ends.Add(client.Process.Number, Readiness.Readable, key);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Ends a client now, whatever its process does.</summary>
    internal void End(Client client)
    {
        if (_watched.TryRemove(client.Token, out _))
        {
            _ends.Remove(client.Process.Number);
            client.End();
            _ended(client);
        }
    }

    /// <summary>A key for a client: no file has it.</summary>
    internal static ulong ClientToken() => RandomId() | ClientKeys;

    /// <summary>Works off every end that has happened.</summary>
    internal void Sweep()
    {
        Span<ulong> keys = stackalloc ulong[64];
        lock (_sweeping)
        {
            while (!_stop.IsSet && _ends.Wait(keys, 0) is > 0 and var count)
            {
                // Files first: what they pinned is then free when the end of their client is looked at.
                foreach (ulong key in keys[..count])
                {
                    if (key < ClientKeys)
                    {
                        WorkOff(key);
                    }
                }

                foreach (ulong key in keys[..count])
                {
                    if (key >= ClientKeys)
                    {
                        WorkOff(key);
                    }
                }
            }

            // Last: a process that has closed its files has unmapped what it had mapped before.
            Mappings.Sweep();
        }
    }

    /// <summary>Sleeps until some end has happened.</summary>
    /// <returns>False once <see cref="Stop"/> was called.</returns>
    internal bool AwaitEnd()
    {
        Span<ulong> keys = stackalloc ulong[1];
        _ = _ends.Wait(keys, -1);
        return !_stop.IsSet;
    }

    /// <summary>Wakes the thread that awaits ends.</summary>
    internal void Stop() => _stop.Set();

    /// <summary>Closes every file, as if all clients had gone.</summary>
    public void Dispose()
    {
        lock (_sweeping)
        {
            foreach (ulong key in _watched.Keys.Concat(_files.Keys))
            {
                WorkOff(key);
            }

            Mappings.Dispose();
        }

        _stop.Dispose();
        _ends.Dispose();
    }

    private void WorkOff(ulong key)
    {
        try
        {
            if (_files.TryRemove(key, out ServedFile? file))
            {
                _byFarInode.TryRemove(KeyValuePair.Create(file.FarInode, file));
                _ends.Remove(file.Number);
                file.HangUp();
                if (file.Opener is { HasEnded: true })
                {
                    _outlived();
                }
            }
            else if (_watched.TryGetValue(key, out Client? client))
            {
                End(client);
            }
        }
#pragma warning disable CA1031 // a defect in one file's teardown must not end the engine for everybody else
        catch (Exception defect)
#pragma warning restore CA1031 // see above
        {
            _complain(defect);
        }
    }

    private static ulong RandomId()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return (BitConverter.ToUInt64(bytes) & (ulong.MaxValue >> 1)) | 1;
    }
}
