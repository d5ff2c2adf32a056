namespace FastIova;

/// <summary>What clients have mapped of files of the engine.</summary>
/// <remarks>
/// <para>A client maps an open file of its own of the memory, and closes it. A mark on that open file tells whether anything holds it
/// still (<see cref="OpenFileMark"/>): mappings that a fork copied and pieces of a mapping that was cut count, and an end that nobody
/// announced counts, as that of a process that was killed.</para>
/// <para>Invariant: <see cref="Sweep"/> returns after every mapping that was gone before it was called is disposed. It is a part of
/// <see cref="ServedFiles.Sweep"/>, with which each call begins, and which follows each end of a process. For mappings that go
/// without either, a timer asks for that; it runs only while something is mapped.</para>
/// <para>Threads: any, but sweeps come one at a time. Teardown: <see cref="Dispose"/> ends every mapping.</para>
/// </remarks>
internal sealed class ClientMappings : IDisposable
{
    private static readonly TimeSpan SweepsEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, FileMapping> _mappings = [];
    private readonly BackingObjects _objects;
    private readonly Action<Exception> _complain;
    private readonly Timer _timer;
    private ulong _lastPlace;
    private int _count;
    private bool _isDisposed;

    /// <param name="objects">What clients may pin: none of this.</param>
    /// <param name="sweep">Sweeps everything, this too.</param>
    /// <param name="complain">Takes what the end of a mapping threw, which is a defect of the engine.</param>
    internal ClientMappings(BackingObjects objects, Action sweep, Action<Exception> complain)
    {
        _objects = objects;
        _complain = complain;
        _timer = new Timer(_ => sweep());
    }

    /// <summary>How many there are.</summary>
    internal int Count => Volatile.Read(ref _count);

    /// <summary>Takes charge of a mapping.</summary>
    /// <param name="mapping">The mapping; disposed here, also on a failure.</param>
    /// <returns>What the client maps, to be handed over and closed; null when no descriptor is left for it.</returns>
    internal Descriptor? Add(FileMapping mapping)
    {
        lock (_lock)
        {
            if (!_isDisposed && OpenFileMark.TryOpen(mapping.Memory, ++_lastPlace) is { } open)
            {
                _mappings.Add(_lastPlace, mapping);
                _objects.AddDeviceMemory(mapping.Memory);
                Volatile.Write(ref _count, _mappings.Count);
                _timer.Change(SweepsEvery, SweepsEvery);
                return open;
            }
        }

        mapping.Dispose();
        return null;
    }

    /// <summary>Disposes the mappings that are gone.</summary>
    internal void Sweep()
    {
        if (Count != 0)
        {
            End(keepsHeld: true);
        }
    }

    /// <summary>Ends every mapping, as if all clients had gone.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer.Dispose();
        }

        End(keepsHeld: false);
    }

    private void End(bool keepsHeld)
    {
        List<FileMapping> gone = [];
        lock (_lock)
        {
            foreach ((ulong place, FileMapping mapping) in _mappings)
            {
                if (!keepsHeld || !OpenFileMark.IsHeld(mapping.Memory, place))
                {
                    _mappings.Remove(place);
                    _objects.RemoveDeviceMemory(mapping.Memory);
                    gone.Add(mapping);
                }
            }

            Volatile.Write(ref _count, _mappings.Count);
            if (_mappings.Count == 0 && !_isDisposed)
            {
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }

        foreach (FileMapping mapping in gone)
        {
            try
            {
                mapping.Dispose();
            }
#pragma warning disable CA1031 // a defect in the end of one mapping must not end the engine for everybody else
            catch (Exception defect)
#pragma warning restore CA1031 // see above
            {
                _complain(defect);
            }
        }
    }
}
