namespace FastIova;

/// <summary>What a container is set to: the IOMMU behind VFIO_SET_IOMMU, which answers every call that is not the container's own.</summary>
/// <remarks>
/// Threads: any; groups come and go one at a time, under the lock of the container. Teardown: <see cref="Release"/> comes once,
/// when the last group has gone; it never fails, and calls that are late find nothing.
/// </remarks>
internal abstract class ContainerIommu
{
    /// <summary>VFIO_CHECK_EXTENSION.</summary>
    internal abstract long CheckExtension(ulong extension);

    /// <summary>Any other call.</summary>
    /// <returns>Zero or more, or a negative errno.</returns>
    internal abstract long Run(Caller caller, uint request, in CallArgument argument);

    /// <summary>A group joins.</summary>
    /// <returns>Why it cannot; nothing has changed then.</returns>
    internal abstract Errno Attach(VfioGroup group);

    /// <summary>A group leaves. Never fails.</summary>
    internal abstract void Detach(VfioGroup group);

    /// <summary>Takes everything away.</summary>
    internal abstract void Release();
}
