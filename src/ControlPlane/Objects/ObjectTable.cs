namespace FastIova;

/// <summary>The objects of one context by their ids: one space of numbers for all kinds, from 1, the lowest free one first.</summary>
/// <remarks>
/// <para>Invariants. T1: an id is free, reserved (no object in its place) or names one published object. T2: what is removed has
/// no users left (O1), and is destroyed by the one call that removed it. T3: the id of an object that was taken from its user by
/// force stays reserved, a tombstone, so that the user who still knows it names nothing else by it.</para>
/// <para>Threads: any. Finding an object takes no lock; ids are given and taken under one that is never held while an object is
/// destroyed.</para>
/// <para>Teardown: <see cref="Clear"/> destroys leaves first until nothing is left; it never fails.</para>
/// </remarks>
internal sealed class ObjectTable
{
    private static readonly TimeSpan HoldersAreStuckAfter = TimeSpan.FromSeconds(60);

    private readonly object _removers = new();
    private readonly OrderedLock _lock = new(LockRank.Objects);
    private readonly IdSet _ids = new();
    private readonly List<uint> _tombstones = [];
    private UapiObject?[] _slots = new UapiObject?[16];
    private IoasObject? _vfioIoas;

    /// <summary>What its objects count against; null for nothing.</summary>
    internal Quota? Quota { get; init; }

    /// <summary>Whether no id is in use, not even a reserved one.</summary>
    internal bool IsEmpty
    {
        get
        {
            using (_lock.Enter())
            {
                return _ids.Count == 0;
            }
        }
    }

    /// <summary>Runs a step while no id is given or taken, if none is in use.</summary>
    /// <returns><see cref="Errno.Busy"/> when one is.</returns>
    internal Errno WhileEmpty(Func<Errno> step)
    {
        using (_lock.Enter())
        {
            return _ids.Count == 0 ? step() : Errno.Busy;
        }
    }

    /// <summary>Gives a new object its id; nobody finds it yet.</summary>
    /// <returns><see cref="Errno.OutOfMemory"/>; the object has no id then and is forgotten.</returns>
    internal Errno Reserve(UapiObject newcomer)
    {
        // One point for the object, one for the place of its id, as there are two allocations in a kernel.
        if (FaultPoint.Fails() || FaultPoint.Fails() || Quota?.TryTake(1) == false)
        {
            return Errno.OutOfMemory;
        }

        using (_lock.Enter())
        {
            newcomer.Id = _ids.Take();
            if (newcomer.Id >= (uint)_slots.Length)
            {
                var grown = new UapiObject?[_slots.Length * 2];
                _slots.CopyTo(grown, 0);

                // A finder that still reads the old array misses only what was published after its call began.
                Volatile.Write(ref _slots, grown);
            }
        }

        return Errno.Success;
    }

    /// <summary>Lets everybody find an object. Nothing may fail from here on.</summary>
    internal void Publish(UapiObject reserved)
    {
        using (_lock.Enter())
        {
            Volatile.Write(ref _slots[reserved.Id], reserved);
        }
    }

    /// <summary>Takes the id of an object back that was not published, and does nothing else.</summary>
    internal void Forget(UapiObject reserved)
    {
        Quota?.GiveBack(1);
        using (_lock.Enter())
        {
            _ids.Return(reserved.Id);
        }
    }

    /// <summary>Ends an object that was not published.</summary>
    internal void Abort(UapiObject reserved)
    {
        reserved.Abort();
        Forget(reserved);
    }

    /// <summary>Finds an object of a kind and holds it: <see cref="UapiObject.LetGo"/> ends that.</summary>
    /// <typeparam name="T">The kind; <see cref="UapiObject"/> for any.</typeparam>
    /// <returns><see cref="Errno.NotFound"/> also for an object of another kind.</returns>
    internal Errno Get<T>(uint id, out T? found)
        where T : UapiObject
    {
        found = null;
        if (FaultPoint.Fails())
        {
            return Errno.NotFound;
        }

        UapiObject?[] slots = Volatile.Read(ref _slots);
        if (id < (uint)slots.Length && Volatile.Read(ref slots[id]) is T candidate && candidate.TryHold())
        {
            found = candidate;
            return Errno.Success;
        }

        return Errno.NotFound;
    }

    /// <summary>The published objects at some moment, for those who look for a kind of them.</summary>
    internal IEnumerable<UapiObject> Published()
    {
        foreach (UapiObject? one in Volatile.Read(ref _slots))
        {
            if (one is not null)
            {
                yield return one;
            }
        }
    }

    /// <summary>DESTROY: removes an object that nobody uses.</summary>
    /// <returns><see cref="Errno.NotFound"/> for a free or reserved id, <see cref="Errno.Busy"/> when it has users.</returns>
    internal Errno Remove(uint id)
    {
        UapiObject? removed;
        using (_lock.Enter())
        {
            removed = id < (uint)_slots.Length ? _slots[id] : null;
            if (removed is null)
            {
                return Errno.NotFound;
            }

            if (!removed.TryTakeLastUser())
            {
                return Errno.Busy;
            }

            Erase(removed);
        }

        removed.Destroy();
        return Errno.Success;
    }

    /// <summary>Gives one user up and destroys the object if that was the last: an automatic hwpt that nothing is attached to any more.</summary>
    internal void RemoveIfUnused(UapiObject used)
    {
        using (_lock.Enter())
        {
            used.RemoveUser();
            if (!used.TryTakeLastUser())
            {
                return;
            }

            Erase(used);
        }

        used.Destroy();
    }

    /// <summary>Counts a user of an object that the caller neither holds nor uses.</summary>
    /// <returns>False unless the object is published.</returns>
    internal bool TryAddUser(UapiObject published)
    {
        using (_lock.Enter())
        {
            return _slots[published.Id] == published && published.TryAddUser();
        }
    }

    /// <summary>Destroys an object of which the caller is the only user that stays; waits for the calls that hold it.</summary>
    /// <param name="owned">The object.</param>
    /// <param name="leavesTombstone">Whether its id stays reserved until the context ends.</param>
    /// <returns>Success, unless a call holds it for a minute or somebody else uses it, which would be a defect; it is destroyed with the context then.</returns>
    internal Errno RemoveOwned(UapiObject owned, bool leavesTombstone = false)
    {
        if (!owned.CloseToHolders() && !LoseHolders(owned))
        {
            owned.OpenToHolders();
            owned.RemoveUser();
            return Errno.Busy;
        }

        using (_lock.Enter())
        {
            owned.RemoveUser();
            if (!owned.TryTakeLastUser())
            {
                owned.OpenToHolders();
                return Errno.Busy;
            }

            Erase(owned, leavesTombstone);
        }

        owned.Destroy();
        return Errno.Success;
    }

    /// <summary>The last one who held an object that is being removed has let it go.</summary>
    internal void WakeRemovers()
    {
        lock (_removers)
        {
            Monitor.PulseAll(_removers);
        }
    }

    /// <summary>Destroys everything, leaves first: an object that nothing uses is one, and frees those that it used.</summary>
    internal void Clear()
    {
        bool isProgress = true;
        while (isProgress)
        {
            isProgress = false;
            for (uint id = 1; id < (uint)_slots.Length; id++)
            {
                if (_slots[id] is { } leaf && leaf.TryTakeLastUser())
                {
                    using (_lock.Enter())
                    {
                        Erase(leaf);
                    }

                    leaf.Destroy();
                    isProgress = true;
                }
            }
        }

        using (_lock.Enter())
        {
            _tombstones.ForEach(_ids.Return);
            _tombstones.Clear();
        }
    }

    /// <summary>The ioas that the VFIO calls act on, held; null when there is none.</summary>
    internal IoasObject? HoldVfioIoas()
    {
        using (_lock.Enter())
        {
            return _vfioIoas is { } ioas && ioas.TryHold() ? ioas : null;
        }
    }

    /// <summary>Says which ioas the VFIO calls act on. Destroying it takes that back.</summary>
    internal void SetVfioIoas(IoasObject? ioas)
    {
        using (_lock.Enter())
        {
            _vfioIoas = ioas;
        }
    }

    /// <summary>Makes a reserved ioas the one of the VFIO calls unless there is one already.</summary>
    /// <returns>False when there is one.</returns>
    internal bool TrySetVfioIoas(IoasObject ioas)
    {
        using (_lock.Enter())
        {
            if (_vfioIoas is { } present && present.TryHold())
            {
                present.LetGo();
                return false;
            }

            _vfioIoas = ioas;
            return true;
        }
    }

    private void Erase(UapiObject removed, bool leavesTombstone = false)
    {
        Volatile.Write(ref _slots[removed.Id], null);
        Quota?.GiveBack(1);
        if (leavesTombstone)
        {
            _tombstones.Add(removed.Id);
        }
        else
        {
            _ids.Return(removed.Id);
        }

        if (_vfioIoas == removed)
        {
            _vfioIoas = null;
        }
    }

    private bool LoseHolders(UapiObject owned)
    {
        owned.LoseHolders();
        lock (_removers)
        {
            while (!owned.HasNoHolders)
            {
                if (!Monitor.Wait(_removers, HoldersAreStuckAfter))
                {
                    return owned.HasNoHolders;
                }
            }
        }

        return true;
    }
}
