namespace FastIova;

/// <summary>IOAS_CHANGE_PROCESS: the caller pays from here on for everything that is mapped in the context, all of it files.</summary>
internal static class IoasChangeProcessHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        if (call.Command<IoasChangeProcessCommand>().Reserved != 0)
        {
            return Errno.NotSupported;
        }

        // One at a time: what fails halfway takes back what it did, and nobody else may have built on that.
        lock (call.Context.ProcessChanges)
        {
            HashSet<Pages> pages = [];
            Errno errno = Collect(call.Objects, pages);
            errno = errno == Errno.Success ? Move(pages, call.Context.OwnerFor(call.Caller)) : errno;
            foreach (Pages one in pages)
            {
                one.Put();
            }

            return errno;
        }
    }

    private static Errno Collect(ObjectTable objects, HashSet<Pages> pages)
    {
        foreach (UapiObject one in objects.Published())
        {
            if (one is IoasObject ioas && ioas.TryHold())
            {
                Errno errno = ioas.Space.TakeFilePages(pages).ToErrno();
                ioas.LetGo();
                if (errno != Errno.Success)
                {
                    return errno;
                }
            }
        }

        return Errno.Success;
    }

    private static Errno Move(HashSet<Pages> pages, PinOwner next)
    {
        // Of a process that is gone Linux cannot take anything back where it charged the process itself.
        if (pages.Any(one => one.Owner is { Mode: AccountMode.Mm } owner && owner.Memory != next.Memory && owner.Memory.IsGone))
        {
            return Errno.Invalid;
        }

        // The former owners are paid back at the end: who pays for both needs room for both.
        var moved = new List<(Pages Pages, PinOwner Former, long Charged)>(pages.Count);
        foreach (Pages one in pages)
        {
            if (!one.TryMoveTo(next, out PinOwner former, out long charged))
            {
                foreach ((Pages back, PinOwner owner, long pinned) in moved)
                {
                    back.MoveBack(owner, pinned);
                }

                return Errno.OutOfMemory;
            }

            moved.Add((one, former, charged));
        }

        foreach ((Pages _, PinOwner former, long charged) in moved)
        {
            former.PayBack(charged);
        }

        return Errno.Success;
    }
}
