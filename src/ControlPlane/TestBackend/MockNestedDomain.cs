namespace FastIova;

/// <summary>A nested domain that is nothing but a cache of four entries, to see which of them an invalidation takes.</summary>
internal sealed class MockNestedDomain : NestedDomain
{
    private readonly uint[] _entries = new uint[TestConstants.IotlbEntries];

    /// <param name="iommu">The mock IOMMU.</param>
    /// <param name="entry">What every entry begins with.</param>
    /// <param name="viommu">The virtual IOMMU that it was made on; null without.</param>
    internal MockNestedDomain(object iommu, uint entry, MockVirtualIommu? viommu = null)
        : base(iommu)
    {
        Array.Fill(_entries, entry);
        VirtualIommu = viommu;
    }

    /// <summary>The virtual IOMMU whose guest's devices attach to it; null when any device does.</summary>
    internal MockVirtualIommu? VirtualIommu { get; }

    /// <summary>Whether an entry exists and has a value.</summary>
    internal bool Holds(uint index, uint value) => index < (uint)_entries.Length && Volatile.Read(ref _entries[index]) == value;

    internal override Errno Invalidate(in UserDataArray entries, out uint done)
    {
        done = 0;
        if (entries.Type != TestConstants.InvalidateDataType)
        {
            return Errno.Invalid;
        }

        while (done < entries.Count)
        {
            Errno errno = entries.Read(done, TestConstants.InvalidateDataType, sizeof(uint) * 2, out TestInvalidate order);
            if (errno == Errno.Success)
            {
                errno = Invalidate(order);
            }

            if (errno != Errno.Success)
            {
                return errno;
            }

            done++;
        }

        return Errno.Success;
    }

    internal override void Free()
    {
    }

    private Errno Invalidate(in TestInvalidate order)
    {
        if ((order.Flags & ~TestConstants.InvalidateAll) != 0)
        {
            return Errno.NotSupported;
        }

        if (order.IotlbId >= (uint)_entries.Length)
        {
            return Errno.Invalid;
        }

        if ((order.Flags & TestConstants.InvalidateAll) != 0)
        {
            Array.Clear(_entries);
        }
        else
        {
            Volatile.Write(ref _entries[order.IotlbId], 0);
        }

        return Errno.Success;
    }
}
