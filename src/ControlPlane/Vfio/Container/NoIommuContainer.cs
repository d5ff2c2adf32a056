namespace FastIova;

/// <summary>VFIO_NOIOMMU_IOMMU: nothing is translated, so that nothing can be mapped.</summary>
/// <remarks>Threads: any; there is nothing to guard.</remarks>
internal sealed class NoIommuContainer(Engine engine) : ContainerIommu
{
    /// <summary>What it says before a container is set to it.</summary>
    internal static long CheckExtension(Engine engine, ulong extension) =>
        extension == (ulong)VfioExtension.NoIommu && engine.HasNoIommuMode ? 1 : 0;

    internal override long CheckExtension(ulong extension) => CheckExtension(engine, extension);

    internal override long Run(Caller caller, uint request, in CallArgument argument) => -(long)Errno.NotATypewriter;

    internal override Errno Attach(VfioGroup group) => Errno.Success;

    internal override void Detach(VfioGroup group)
    {
        // A device without an IOMMU was attached to nothing.
    }

    internal override void Release()
    {
        // Nothing was mapped.
    }
}
