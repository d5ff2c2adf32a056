namespace FastIova;

/// <content>A domain before no IOMMU: what it maps is told to those devices that reach memory by its physical address.</content>
public sealed partial class Domain
{
    /// <summary>Where what is mapped here is reached by its physical address; null for a domain that translates. Set before anything is mapped.</summary>
    internal PhysicalMemory? Physical { get; init; }

    private MapStatus MapPhysical(IovaSpan span, Frame first, Permission permission)
    {
        ulong pages = (span.LengthLessOne >> Frame.PageLg2) + 1;
        MapStatus status = Physical!.Add(first, pages, permission);
        if (status != MapStatus.Success)
        {
            return status;
        }

        status = MapWords(span, first.Word, permission, large: true);
        if (status == MapStatus.Success)
        {
            return status;
        }

        // The caller takes away what is mapped; what is not, nobody would.
        for (ulong page = 0; page < pages; page++)
        {
            if (!TryFrameAt(span.First + (page << Frame.PageLg2), out _, out _))
            {
                Physical.Remove(first.Next(page), 1);
            }
        }

        return status;
    }

    private void UnmapPhysical(ReadOnlySpan<IovaSpan> spans)
    {
        foreach (IovaSpan span in spans)
        {
            ulong pages = (span.LengthLessOne >> Frame.PageLg2) + 1;
            for (ulong page = 0; page < pages; page++)
            {
                if (TryFrameAt(span.First + (page << Frame.PageLg2), out Frame frame, out _))
                {
                    Physical!.Remove(frame, 1);
                }
            }
        }
    }
}
