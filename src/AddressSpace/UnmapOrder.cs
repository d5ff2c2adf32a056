namespace FastIova;

/// <summary>
/// THE WRITE PATH: what happens, in which order, when translations are taken away, so that the promise holds: when it
/// returns, no translation handed out before is still in use, and none will be handed out again.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>Clear the table words, under the writer's lock: no walk finds the translation from here on.</item>
/// <item>Publish the ranges in the invalidation log: no port that enters a scope from here on has it in its cache.</item>
/// <item>Release the lock and wait until every port that was inside a scope has left it or caught up: nobody uses it.</item>
/// <item>Free the leaf tables that were taken out of the root before the wait: nobody walks through them.</item>
/// </list>
/// One wait serves a whole list of ranges. The host memory may be reused by the caller afterwards, and only then.
/// </remarks>
internal static class UnmapOrder
{
    private const int DomainsAtOnce = 32;

    /// <summary>Unmaps a list of ranges.</summary>
    /// <param name="writer">The lock of the table's writers; not held by the caller.</param>
    /// <param name="table">The table.</param>
    /// <param name="epoch">Where its readers are.</param>
    /// <param name="spans">The ranges; all are checked before the first is touched.</param>
    /// <param name="bytes">The bytes that were mapped in them.</param>
    /// <param name="refused">The index of the range that was refused, when one was.</param>
    /// <returns>The outcome; anything but success has taken nothing away.</returns>
    internal static MapStatus Unmap(WriterLock writer, PageTable table, Epoch epoch, ReadOnlySpan<IovaSpan> spans, out ulong bytes, out int refused)
    {
        bytes = 0;
        refused = 0;
        if (spans.IsEmpty)
        {
            return MapStatus.Success; // nothing is published, so there is no wait after which a table could be freed
        }

        ulong target;
        ulong detached;
        using (writer.Enter())
        {
            MapStatus status = table.UnmapList(spans, out bytes, out refused);
            if (status != MapStatus.Success)
            {
                return status;
            }

            CountUnmaps(table, epoch, spans);
            target = epoch.Publish(table.SpaceId, spans);
            detached = table.DetachedEver;
        }

        Wait(writer, table, epoch, target, detached);
        return MapStatus.Success;
    }

    /// <summary>Unmaps a list of ranges in several domains, with one wait for all that share their readers.</summary>
    /// <param name="domains">The domains; their writers' locks are not held by the caller.</param>
    /// <param name="spans">At least one range: whole mappings, so that no large page is split and nothing can be refused.</param>
    /// <remarks>Never fails, never allocates.</remarks>
    internal static void Unmap(ReadOnlySpan<Domain> domains, ReadOnlySpan<IovaSpan> spans)
    {
        LockOrder.AssertNoneFrom(LockRank.Domain);
        Span<ulong> detached = stackalloc ulong[DomainsAtOnce];
        while (!domains.IsEmpty)
        {
            ReadOnlySpan<Domain> some = domains[..Math.Min(domains.Length, DomainsAtOnce)];
            domains = domains[some.Length..];
            ulong target = 0;
            for (int i = 0; i < some.Length; i++)
            {
                target = some[i].TakeAway(spans, out detached[i]);
                if (i + 1 == some.Length || some[i + 1].Epoch != some[i].Epoch)
                {
                    some[i].Epoch.WaitForReaders(target);
                }
            }

            for (int i = 0; i < some.Length; i++)
            {
                some[i].GiveBackTables(detached[i]);
            }
        }
    }

    /// <summary>Tells the readers that translations of a range were narrowed or taken back, and waits.</summary>
    /// <param name="writer">Not held by the caller.</param>
    /// <param name="table">The table, whose words were changed under the lock.</param>
    /// <param name="epoch">Where its readers are.</param>
    /// <param name="span">The range; all addresses flush the space by generation.</param>
    internal static void Flush(WriterLock writer, PageTable table, Epoch epoch, IovaSpan span)
    {
        ulong detached;
        using (writer.Enter())
        {
            detached = table.DetachedEver;
        }

        Wait(writer, table, epoch, epoch.Publish(new Invalidation(table.SpaceId, span.First, span.Last)), detached);
    }

    /// <summary>Frees what was detached so far, after a grace period.</summary>
    /// <param name="writer">Not held by the caller.</param>
    /// <param name="table">The table.</param>
    /// <param name="epoch">Where its readers are.</param>
    internal static void Release(WriterLock writer, PageTable table, Epoch epoch)
    {
        ulong detached;
        using (writer.Enter())
        {
            detached = table.DetachedEver;
        }

        Wait(writer, table, epoch, epoch.Publish(Invalidation.Nothing), detached);
    }

    /// <summary>Counts ranges that were taken away, under the lock of the table's writers.</summary>
    internal static void CountUnmaps(PageTable table, Epoch epoch, ReadOnlySpan<IovaSpan> spans)
    {
        table.UnmapsEver += (ulong)spans.Length;
        if (epoch.Recorder is { } recorder)
        {
            foreach (IovaSpan span in spans)
            {
                recorder.Unmap(table.SpaceId, span);
            }
        }
    }

    private static void Wait(WriterLock writer, PageTable table, Epoch epoch, ulong target, ulong detached)
    {
        LockOrder.AssertNoneFrom(LockRank.Domain); // a reader that waits for it would never leave its scope
        epoch.WaitForReaders(target);
        if (detached != table.ReleasedEver)
        {
            using (writer.Enter())
            {
                // Another writer may have freed some of them after a wait of its own; the count says which are left.
                table.ReleaseDetached(detached);
            }
        }
    }
}
