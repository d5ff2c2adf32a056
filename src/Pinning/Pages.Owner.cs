namespace FastIova;

/// <content>Who pays, and how that changes.</content>
internal sealed partial class Pages
{
    /// <summary>Lets somebody else pay from here on. The former owner is paid back only later, by <see cref="PinOwner.PayBack"/> or <see cref="MoveBack"/>.</summary>
    /// <param name="next">Who.</param>
    /// <param name="former">Who paid before.</param>
    /// <param name="charged">What the former owner has still to get back, in pages.</param>
    /// <returns>False when that would pass a limit; nothing has changed then.</returns>
    internal bool TryMoveTo(PinOwner next, out PinOwner former, out long charged)
    {
        Enter();
        former = _owner;
        next = next with { Mode = former.Mode };
        charged = former.PaysFrom(next) ? 0 : _charged;
        bool good = charged == 0 || (!FaultPoint.Fails() && next.TryCharge(charged));
        if (good)
        {
            _owner = next;
        }

        Exit();
        return good;
    }

    /// <summary>Tells a new address of the same memory, and lets another process pay, which may be the same. What is pinned stays where it is.</summary>
    /// <param name="next">Whose address it is, and who pays from here on.</param>
    /// <param name="userAddress">The first page.</param>
    /// <returns>False when that would pass a limit; nothing has changed then.</returns>
    internal bool TryReaddress(PinOwner next, ulong userAddress)
    {
        if (!TryMoveTo(next, out PinOwner former, out long charged))
        {
            return false;
        }

        former.PayBack(charged);
        Enter();
        _nextSource = next.Source;
        _nextAddress = userAddress;
        Exit();
        return true;
    }

    // As long as something is pinned its frames are those of the old address.
    private void FollowAddress()
    {
        if (_nextSource is { } source && _pinned == 0)
        {
            _source = source;
            UserAddress = _nextAddress;
            _nextSource = null;
        }
    }

    /// <summary>Undoes <see cref="TryMoveTo"/>, which must be the last that happened to the owner. Never fails.</summary>
    internal void MoveBack(PinOwner former, long charged)
    {
        Enter();
        PinOwner next = _owner;
        if (!former.PaysFrom(next))
        {
            // Pins may have come and gone meanwhile.
            next.PayBack(_charged);
            former.PayBack(charged - _charged);
        }

        _owner = former;
        Exit();
    }
}
