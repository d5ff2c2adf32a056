using System.Diagnostics;

namespace FastIova;

/// <summary>
/// An object with an id of a context. It is born in two steps, reserve and publish, and dies when nobody uses it:
/// <code>
///            Reserve              Publish                      Remove, nobody uses it
///   (new) ───────────► reserved ───────────► published ─────────────────────────────────► destroyed
///                         │                      │  ▲ TryHold, AddUser (EBUSY for Remove)
///                         └── Abort ──► gone     └──┘ LetGo, RemoveUser
/// </code>
/// </summary>
/// <remarks>
/// <para>Invariants. O1: <c>users</c> counts who keeps the object from being destroyed, the table itself included;
/// <c>holders</c> counts those of them who will let go soon, the table included: a call that runs. O2: nobody holds an object
/// whose users or holders are zero. O3: an object that is reserved can be found by nobody.</para>
/// <para>Threads: any; both counts are one word.</para>
/// </remarks>
internal abstract class UapiObject
{
    private const long OneUser = 1;
    private const long OneHolder = 1L << 32;
    private const long UserMask = uint.MaxValue;

    // | holders : 32 | users : 32 |; the table counts as one of each until the object is removed.
    private long _counts = OneHolder | OneUser;

    private protected UapiObject(IommufdContext context, ObjectKind kind)
    {
        Context = context;
        Kind = kind;
    }

    /// <summary>Whose id it has.</summary>
    internal IommufdContext Context { get; }

    /// <summary>What it is.</summary>
    internal ObjectKind Kind { get; }

    /// <summary>The id, from 1; zero before it is reserved.</summary>
    internal uint Id { get; set; }

    /// <summary>Whether only the table is a user.</summary>
    internal bool IsUnused => (Volatile.Read(ref _counts) & UserMask) == OneUser;

    /// <summary>Whether no call holds it.</summary>
    internal bool HasOnlyTheTableAsHolder => Volatile.Read(ref _counts) >> 32 == 1;

    /// <summary>Holds the object for as long as one call runs: it is not destroyed meanwhile, and whoever destroys it waits.</summary>
    /// <returns>False when it is being destroyed.</returns>
    internal bool TryHold()
    {
        long now = Volatile.Read(ref _counts);
        while ((now & UserMask) != 0 && now >> 32 != 0)
        {
            long seen = Interlocked.CompareExchange(ref _counts, now + OneHolder + OneUser, now);
            if (seen == now)
            {
                return true;
            }

            now = seen;
        }

        return false;
    }

    /// <summary>Undoes <see cref="TryHold"/>.</summary>
    internal void LetGo()
    {
        if (Interlocked.Add(ref _counts, -(OneHolder + OneUser)) >> 32 == 0)
        {
            Context.Objects.WakeRemovers();
        }
    }

    /// <summary>Counts a user that stays: an attachment, a child, a file. The caller holds the object, or is a user.</summary>
    internal void AddUser() => AddUsers(1);

    /// <summary>Counts many users that stay.</summary>
    internal void AddUsers(int count)
    {
        long counts = Interlocked.Add(ref _counts, count);
        Debug.Assert((counts & UserMask) > count, "A user was added to an object that nobody uses.");
    }

    /// <summary>Counts a user that stays, unless the object is being destroyed; the caller need be no user.</summary>
    /// <returns>False when it is.</returns>
    internal bool TryAddUser()
    {
        long now = Volatile.Read(ref _counts);
        while ((now & UserMask) != 0)
        {
            long seen = Interlocked.CompareExchange(ref _counts, now + OneUser, now);
            if (seen == now)
            {
                return true;
            }

            now = seen;
        }

        return false;
    }

    /// <summary>Undoes <see cref="AddUser"/>; the last user is the table, so nothing is destroyed here.</summary>
    internal void RemoveUser() => AddUsersUnchecked(-1);

    /// <summary>Ends what the object stands for. Its users are gone, nobody finds it any more. Never fails.</summary>
    internal abstract void Destroy();

    /// <summary>The owner removes the object, and something holds it: whoever holds it for long lets go now. Nobody else can hold it any more.</summary>
    internal virtual void LoseHolders()
    {
    }

    /// <summary>Ends an object that was reserved and never published.</summary>
    internal virtual void Abort() => Destroy();

    /// <summary>Takes the last user, the table, away.</summary>
    /// <returns>False when there are others.</returns>
    internal bool TryTakeLastUser()
    {
        long now = Volatile.Read(ref _counts);
        while ((now & UserMask) == OneUser)
        {
            long seen = Interlocked.CompareExchange(ref _counts, now - OneUser, now);
            if (seen == now)
            {
                return true;
            }

            now = seen;
        }

        return false;
    }

    /// <summary>Takes the table's share of the holders away: from here on nobody can hold the object.</summary>
    /// <returns>Whether nobody holds it now.</returns>
    internal bool CloseToHolders() => Interlocked.Add(ref _counts, -OneHolder) >> 32 == 0;

    /// <summary>Whether nobody holds it.</summary>
    internal bool HasNoHolders => Volatile.Read(ref _counts) >> 32 == 0;

    /// <summary>Undoes <see cref="CloseToHolders"/>.</summary>
    internal void OpenToHolders() => Interlocked.Add(ref _counts, OneHolder);

    private void AddUsersUnchecked(int count) => Interlocked.Add(ref _counts, count);
}
