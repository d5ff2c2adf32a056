namespace FastIova;

/// <summary>Against which limit pinned pages count.</summary>
internal enum AccountMode
{
    /// <summary>Against none: the process may lock what it likes.</summary>
    None = 0,

    /// <summary>Against the locked memory of the user.</summary>
    User = 1,

    /// <summary>Against the locked memory of the process.</summary>
    Mm = 2,

    /// <summary>The same, but the pages are not counted as pinned (VmPin), and may be those of devices: what VFIO did before iommufd.</summary>
    Locked = 3,
}

/// <summary>Whose memory is pinned, and who pays for it.</summary>
/// <param name="Memory">The memory; its tally counts the pinned pages in every mode but <see cref="AccountMode.Locked"/>.</param>
/// <param name="User">The user's tally, charged in <see cref="AccountMode.User"/>.</param>
/// <param name="LockLimitPages">The limit of locked memory when a pin is charged, in pages; <see cref="long.MaxValue"/> for none.</param>
/// <param name="Mode">Against which limit.</param>
internal sealed record PinOwner(MemorySpace Memory, MemoryTally User, Func<long> LockLimitPages, AccountMode Mode)
{
    /// <summary>Where the pages come from.</summary>
    internal PageSource Source => Mode == AccountMode.Locked ? Memory.WithDevices : Memory;

    /// <summary>Charges pages and counts them as pinned.</summary>
    /// <returns>False when that would pass the limit; nothing is charged then.</returns>
    internal bool TryCharge(long pages)
    {
        bool good = Mode switch
        {
            AccountMode.User => User.TryLock(pages, LockLimitPages()),
            AccountMode.Mm or AccountMode.Locked => Memory.Tally.TryLock(pages, LockLimitPages()),
            _ => true,
        };
        if (good && !(Mode == AccountMode.Locked ? Memory.Tally.TryTakeQuota(pages) : Memory.Tally.TryAddPinned(pages)))
        {
            Unlock(pages);
            good = false;
        }

        return good;
    }

    /// <summary>Whether what it pays comes from the same tallies as what another would.</summary>
    internal bool PaysFrom(PinOwner other) => Memory == other.Memory && (Mode != AccountMode.User || User == other.User);

    /// <summary>Pays back what was charged; a negative number charges, whatever the limit.</summary>
    internal void PayBack(long pages)
    {
        if (Mode == AccountMode.Locked)
        {
            Memory.Tally.GiveBackQuota(pages);
        }
        else
        {
            Memory.Tally.RemovePinned(pages);
        }

        Unlock(pages);
    }

    private void Unlock(long pages)
    {
        switch (Mode)
        {
            case AccountMode.User:
                User.Unlock(pages);
                break;
            case AccountMode.Mm:
            case AccountMode.Locked:
                Memory.Tally.Unlock(pages);
                break;
            default:
                break;
        }
    }
}
