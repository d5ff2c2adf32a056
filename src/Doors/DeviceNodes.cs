namespace FastIova;

/// <summary>The device nodes that an engine answers for.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class DeviceNodes(Engine engine)
{
    /// <summary>Opens a node.</summary>
    /// <param name="caller">Who opens.</param>
    /// <param name="path">The path.</param>
    /// <param name="file">The file.</param>
    /// <returns>Zero, a negative errno, or <see cref="DoorProtocol.NotMine"/>.</returns>
    internal long Open(Caller caller, string path, out OpenFile? file)
    {
        file = path switch
        {
            "/dev/iommu" => engine.Open(EngineNode.Iommu),
            "/dev/vfio/vfio" => engine.Open(EngineNode.VfioContainer),
            _ => null,
        };
        return file is null ? DoorProtocol.NotMine : 0;
    }
}
