namespace FastIova;

/// <content>Files that are mapped as files, not through the mapping of a process.</content>
internal sealed partial class BackingObjects
{
    /// <summary>The files of this process.</summary>
    internal static BackingObjects Own { get; } = new();

    /// <summary>Finds what a file is to pages that are to be made of it. Nothing of it is touched, and any file will do.</summary>
    /// <param name="taken">An open file, which the source owns from now on.</param>
    /// <returns>The source, with a reference that its pages take over.</returns>
    internal PageSource Take(Descriptor taken)
    {
        if (taken.Facts is not { } facts || !taken.IsMemory(facts, out bool isHuge))
        {
            taken.Dispose();
            return UnpinnableFile.Instance;
        }

        var key = (facts.Device, facts.Inode);
        lock (_lock)
        {
            // The way in which the file was opened does not matter to a pin.
            BackingObject? found = _objects.GetValueOrDefault(key);
            if (found is null || !found.IsWritable)
            {
                Descriptor best = Best(taken, out bool isWritable);
                if (found is null)
                {
                    found = new BackingObject(this, best, isWritable, lender: null) { Key = key, IsScarce = isHuge };
                    _objects.Add(key, found);
                }
                else if (isWritable)
                {
                    found.Reopen(best, isWritable);
                }
                else
                {
                    best.Dispose();
                }
            }
            else
            {
                taken.Dispose();
            }

            found.Users++;
            return found;
        }
    }

    /// <summary>Pages that were made of a file are gone; the last ones close it.</summary>
    internal void Put(BackingObject file)
    {
        lock (_lock)
        {
            if (--file.Users == 0 && file is { PinnedPages: 0, Lender: null })
            {
                Close(file.Key, file);
            }
        }
    }

    /// <summary>Pins pages of a file.</summary>
    /// <param name="file">The file; the caller's pages keep it.</param>
    /// <param name="offset">The offset of the first page.</param>
    /// <param name="firstPage">The index of the first page in the runs.</param>
    /// <param name="pages">How many.</param>
    /// <param name="write">Whether they will be written; neither a seal nor the way the file was opened forbids it.</param>
    /// <param name="runs">Receives the frames.</param>
    internal PinStatus PinFile(BackingObject file, ulong offset, ulong firstPage, ulong pages, bool write, List<FrameRun> runs)
    {
        // Whole pages in front of the end: the last, torn page of a file cannot be pinned.
        ulong end = offset + (pages << Frame.PageLg2);
        if (file.Facts is not { } facts || end < offset || end > long.MaxValue || end > facts.Length)
        {
            return PinStatus.Invalid;
        }

        int before = runs.Count;
        PinStatus status;
        lock (_lock)
        {
            if (write && !file.MapsWritable)
            {
                return PinCopies(file, offset, firstPage, pages, runs);
            }

            status = Pin(file, file.IsScarce ? facts.BlockBytes : Frame.PageBytes, offset, firstPage, pages, write, runs);
        }

        // A file without holes has its memory already.
        if (status == PinStatus.Success && facts.AllocatedBytes < facts.Length && !TryPopulate(runs, before, write))
        {
            status = file.IsScarce ? PinStatus.OutOfMemory : PinStatus.NoSpace;
        }

        if (status != PinStatus.Success)
        {
            TakeBack(file, runs, before);
        }

        return status;
    }

    private static PinStatus PinCopies(BackingObject file, ulong offset, ulong firstPage, ulong pages, List<FrameRun> runs)
    {
        if (offset + (pages << Frame.PageLg2) > Frame.RemoteAddressEnd)
        {
            return PinStatus.OutOfMemory;
        }

        runs.Add(new FrameRun(firstPage, pages, Frame.OfRemote(file.Copies.Index, offset)));
        file.PinnedPages += pages;
        return PinStatus.Success;
    }

    private static Descriptor Best(Descriptor taken, out bool isWritable)
    {
        isWritable = true;
        if (taken.ReadsAndWrites)
        {
            return taken;
        }

        Descriptor? better = taken.TryReopen(write: true);
        isWritable = better is not null;
        better ??= taken.TryReopen(write: false);
        if (better is null)
        {
            return taken;
        }

        taken.Dispose();
        return better;
    }
}
