namespace FastIova;

/// <summary>The file of a test access: it pins ranges and gives them back when asked, when they are unmapped, or when it is closed.</summary>
/// <remarks>
/// Invariant: every range of the list is pinned, and no other. Lock: the list itself, taken before the lock of the access and held
/// while a range is pinned: an unmap that overlaps then finds it in the list.
/// </remarks>
internal sealed class AccessFile : OpenFile, IAccessUser
{
    private readonly LinkedList<Item> _items = new();
    private AccessObject? _access;
    private uint _nextId;
    private int _isClosed;

    /// <summary>The access behind it.</summary>
    internal AccessObject Access => _access!;

    /// <summary>Gives the file its access. Comes once.</summary>
    internal void Adopt(AccessObject access) => _access = access;

    /// <summary>Pins a range, compares its pages if told with what, keeps it and says its id; or gives it back.</summary>
    /// <param name="call">The call, whose struct is written back.</param>
    /// <param name="command">The struct.</param>
    /// <param name="iova">The first iova.</param>
    /// <param name="frames">One for each page that the range touches.</param>
    internal Errno Pin(in IoctlCall call, ref TestCommand command, ulong iova, Frame[] frames)
    {
        ref TestAccessPages order = ref command.AccessPages;
        lock (_items)
        {
            Errno errno = Access.Pin(iova, order.Length, (order.Flags & TestConstants.AccessWrite) != 0, frames);
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = order.Uptr == 0 ? Errno.Success
                : PageChecks.CompareFrames(call.Caller.Memory, order.Uptr - (iova & (Frame.PageBytes - 1)), frames);
            if (errno == Errno.Success)
            {
                errno = FaultPoint.Fails() ? Errno.OutOfMemory : Keep(call, ref order, new Item(_nextId, iova, order.Length));
            }

            if (errno != Errno.Success)
            {
                Access.Unpin(iova, order.Length);
            }

            return errno;
        }
    }

    /// <summary>Gives a range back.</summary>
    /// <returns>False when there is none with that id.</returns>
    internal bool Unpin(uint id)
    {
        lock (_items)
        {
            for (LinkedListNode<Item>? node = _items.First; node is not null; node = node.Next)
            {
                if (node.Value.Id == id)
                {
                    GiveBack(node);
                    return true;
                }
            }

            return false;
        }
    }

    public void OnUnmap(ulong iova, ulong length)
    {
        ulong last = iova + length - 1;
        lock (_items)
        {
            LinkedListNode<Item>? next;
            for (LinkedListNode<Item>? node = _items.First; node is not null; node = next)
            {
                next = node.Next;
                if (iova <= node.Value.Last && last >= node.Value.Iova)
                {
                    GiveBack(node);
                }
            }
        }
    }

    internal override void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            OnUnmap(0, ulong.MaxValue);
            Access.End();
        }
    }

    private Errno Keep(in IoctlCall call, ref TestAccessPages order, Item item)
    {
        _nextId++;
        _items.AddLast(item);
        order.OutAccessPagesId = item.Id;
        Errno errno = call.Respond();
        if (errno != Errno.Success)
        {
            _items.RemoveLast();
        }

        return errno;
    }

    private void GiveBack(LinkedListNode<Item> node)
    {
        _items.Remove(node);
        Access.Unpin(node.Value.Iova, node.Value.Length);
    }

    private readonly record struct Item(uint Id, ulong Iova, ulong Length)
    {
        internal ulong Last => Iova + Length - 1;
    }
}
