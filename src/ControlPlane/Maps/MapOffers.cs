namespace FastIova;

/// <summary>What can be mapped through the file of a context: memory that its objects offer, each at an offset of its own.</summary>
/// <remarks>
/// <para>Invariants. F1: offers do not overlap, and none is on the first page; the lowest gap that is wide enough is taken. F2: only
/// a whole offer is mapped.</para>
/// <para>Threads: any. The lock is held while a mapping becomes a user of its object.</para>
/// </remarks>
internal sealed class MapOffers
{
    private readonly Lock _lock = new();
    private readonly SortedList<ulong, Offer> _offers = [];

    /// <summary>Adds an offer.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="memory">Whole pages.</param>
    /// <param name="offset">Where.</param>
    internal Errno Add(UapiObject owner, SharedMemory memory, out ulong offset)
    {
        offset = 0;
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        lock (_lock)
        {
            offset = Frame.PageBytes;
            foreach ((ulong first, Offer offer) in _offers)
            {
                if (first - offset >= memory.Length)
                {
                    break;
                }

                offset = first + offer.Memory.Length;
            }

            _offers.Add(offset, new Offer(owner, memory));
            return Errno.Success;
        }
    }

    /// <summary>Takes an offer back.</summary>
    internal void Remove(ulong offset)
    {
        lock (_lock)
        {
            _offers.Remove(offset);
        }
    }

    /// <summary>Maps an offer.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">Its length.</param>
    /// <param name="mapping">The mapping, on success.</param>
    /// <returns><see cref="Errno.NoSuchDevice"/> when there is none, it is another length, or its object is going or not published yet.</returns>
    internal Errno Map(ulong offset, ulong length, out FileMapping? mapping)
    {
        mapping = null;
        lock (_lock)
        {
            if (!_offers.TryGetValue(offset, out Offer? offer) || offer.Memory.Length != length || !offer.Owner.Context.Objects.TryAddUser(offer.Owner))
            {
                return Errno.NoSuchDevice;
            }

            mapping = new FileMapping(offer.Owner, offer.Memory);
            return Errno.Success;
        }
    }

    private sealed record Offer(UapiObject Owner, SharedMemory Memory);
}
