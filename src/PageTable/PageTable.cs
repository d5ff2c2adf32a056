using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>From I/O virtual addresses to host addresses: the writer's face of a page table, whatever its shape.</summary>
/// <remarks>
/// <para>Invariants. P1: a reader that finds a present word finds the whole of it: a word is written by one 64-bit store.
/// P2: a range that is refused has changed nothing that a reader or a later call can see. P3: a leaf table is reachable
/// from the root or on the list of detached frames, never both, and a detached frame reads as absent throughout.
/// P4: two mappings never overlap.</para>
/// <para>Readers: any number, through <see cref="IWalker"/>, without a lock, inside an epoch scope.</para>
/// <para>Writers: one at a time; the owner of the table holds a lock. What <see cref="Unmap"/>, <see cref="Protect"/> and
/// <see cref="Trim"/> took away may be in use until the readers have been told and waited for.</para>
/// <para>Teardown: <see cref="IDisposable.Dispose"/> when no reader is left; it never fails.</para>
/// </remarks>
internal abstract partial class PageTable : IDisposable
{
    /// <summary>Apertures end below this bit: VT-d and AMD-Vi tables of five levels reach 57 bits.</summary>
    internal const int WidestApertureLg2 = 57;

    private static ulong _lastSpaceId;

    private bool _tracksDirty;

    private protected PageTable(IovaSpan aperture, PageSizes sizes)
    {
        SpaceId = Interlocked.Increment(ref _lastSpaceId);
        Aperture = aperture;
        Sizes = sizes;
    }

    /// <summary>The number by which the invalidation log names this table; never used again in this process.</summary>
    internal ulong SpaceId { get; }

    /// <summary>Whether writes mark pages dirty. Whoever changes it flushes the space and waits for the readers.</summary>
    internal bool TracksDirty
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _tracksDirty);
        set => Volatile.Write(ref _tracksDirty, value);
    }

    /// <summary>The addresses that can be mapped.</summary>
    internal IovaSpan Aperture { get; }

    /// <summary>The sizes of page that <see cref="Map"/> may choose.</summary>
    internal PageSizes Sizes { get; }

    /// <summary>The smallest page; every address and length is a multiple of it.</summary>
    internal ulong Granule => Sizes.Smallest;

    /// <summary>The log2 of a large page, or of what one would cover in a table that has none.</summary>
    internal abstract int LargeLg2 { get; }

    /// <summary>Leaf tables that are linked or detached.</summary>
    internal abstract ulong FramesInUse { get; }

    /// <summary>Frames that were ever detached; those that are not released yet wait for a grace period.</summary>
    internal abstract ulong DetachedEver { get; }

    /// <summary>Frames that were ever released.</summary>
    internal abstract ulong ReleasedEver { get; }

    /// <summary>The memory that the table has touched and not given back.</summary>
    internal abstract ulong BytesTouched { get; }

    /// <summary>The mapped bytes.</summary>
    internal ulong MappedBytes { get; private protected set; }

    /// <summary>The ranges that were ever mapped. Its owner counts them, under the lock of the writers.</summary>
    internal ulong MapsEver { get; set; }

    /// <summary>The ranges that were ever unmapped, counted likewise.</summary>
    internal ulong UnmapsEver { get; set; }

    /// <summary>Maps a range to contiguous host memory, with the largest pages that fit.</summary>
    /// <param name="span">Multiples of the granule, inside the aperture, nothing of it mapped.</param>
    /// <param name="host">The host address of the first byte, a multiple of the granule, not zero.</param>
    /// <param name="permission">At least one.</param>
    /// <returns>The outcome; anything but success has changed nothing (P2).</returns>
    internal abstract MapStatus Map(IovaSpan span, ulong host, Permission permission);

    /// <summary>Maps many single granules, each to its own host page, overlapping the cache misses.</summary>
    /// <param name="iovas">Multiples of the granule, inside the aperture, none mapped, none twice.</param>
    /// <param name="hosts">As many host pages.</param>
    /// <param name="permission">At least one.</param>
    /// <returns>The outcome. When an address stands twice in the list the first ones were visible for a moment before they
    /// were taken back: after anything but success the caller tells the readers and waits.</returns>
    internal abstract MapStatus MapScattered(ReadOnlySpan<ulong> iovas, ReadOnlySpan<ulong> hosts, Permission permission);

    /// <summary>Checks a range before mappings are taken away, and splits the large pages that lie across its ends.</summary>
    /// <param name="span">Multiples of the granule, inside the aperture.</param>
    /// <returns>The outcome; after success <see cref="Unmap"/> of the same span succeeds.</returns>
    internal abstract MapStatus PrepareUnmap(IovaSpan span);

    /// <summary>Takes every mapping in a range away; a large page that lies across an end is split first.</summary>
    /// <param name="span">Multiples of the granule, inside the aperture; holes are skipped.</param>
    /// <param name="bytes">The bytes that were mapped.</param>
    /// <returns>The outcome.</returns>
    internal abstract MapStatus Unmap(IovaSpan span, out ulong bytes);

    /// <summary>Takes every mapping in many ranges away, after all of them were checked.</summary>
    /// <param name="spans">Multiples of the granule, inside the aperture; holes are skipped.</param>
    /// <param name="bytes">The bytes that were mapped.</param>
    /// <param name="refused">The index of the range that was refused, when one was.</param>
    /// <returns>The outcome; anything but success has taken nothing away.</returns>
    internal virtual MapStatus UnmapList(ReadOnlySpan<IovaSpan> spans, out ulong bytes, out int refused)
    {
        bytes = 0;
        for (refused = 0; spans.Length > 1 && refused < spans.Length; refused++)
        {
            MapStatus status = PrepareUnmap(spans[refused]);
            if (status != MapStatus.Success)
            {
                return status;
            }
        }

        for (refused = 0; refused < spans.Length; refused++)
        {
            MapStatus status = Unmap(spans[refused], out ulong unmapped);
            if (status != MapStatus.Success)
            {
                return status; // a list of one, which was not checked above
            }

            bytes += unmapped;
        }

        return MapStatus.Success;
    }

    /// <summary>Gives every mapping in a range another permission.</summary>
    /// <param name="span">Multiples of the granule, inside the aperture; holes are skipped.</param>
    /// <param name="permission">At least one.</param>
    /// <param name="bytes">The bytes that are mapped.</param>
    /// <returns>The outcome.</returns>
    internal abstract MapStatus Protect(IovaSpan span, Permission permission, out ulong bytes);

    /// <summary>Marks the page at an address dirty, as a device that writes does.</summary>
    /// <returns>False when nothing is mapped there.</returns>
    internal abstract bool MarkDirty(ulong iova);

    /// <summary>The word that decides about an address; the scalar walk is the oracle of all others.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="pageLg2">The log2 of the page, or of the smallest one when nothing is mapped.</param>
    /// <returns>The word; absent outside the aperture.</returns>
    /// <remarks>Threads: any, inside an epoch scope.</remarks>
    internal abstract PtWord Walk(ulong iova, out int pageLg2);

    /// <summary>Unlinks leaf tables in which nothing is mapped; they become detached frames.</summary>
    /// <returns>How many.</returns>
    internal abstract int Trim();

    /// <summary>Frees detached frames in the order in which they were detached; no reader can reach them any more.</summary>
    /// <param name="detachedEver"><see cref="DetachedEver"/> when the grace period began.</param>
    internal abstract void ReleaseDetached(ulong detachedEver);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Checks what does not depend on what is mapped.</summary>
    private protected MapStatus Check(IovaSpan span)
    {
        ulong offset = Granule - 1;
        if (((span.First | (span.Last + 1)) & offset) != 0)
        {
            return MapStatus.Misaligned;
        }

        return Aperture.Contains(span) ? MapStatus.Success : MapStatus.OutsideAperture;
    }

    private protected MapStatus Check(IovaSpan span, ulong host, Permission permission)
    {
        if (permission is (Permission.None or > Permission.ReadWrite) and not PtWord.NoAccess)
        {
            return MapStatus.BadPermission;
        }

        if ((host & (Granule - 1)) != 0)
        {
            return MapStatus.Misaligned;
        }

        if (host + span.LengthLessOne < host)
        {
            return MapStatus.Wraps;
        }

        return host == 0 ? MapStatus.HostNotMapped : Check(span);
    }
}

/// <summary>Takes dirty pages.</summary>
internal interface IDirtySink
{
    /// <param name="iova">The first address of the page.</param>
    /// <param name="pageLg2">The log2 of its size.</param>
    void Add(ulong iova, int pageLg2);
}
