namespace FastIova;

/// <summary>The device nodes that an engine answers for.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class DeviceNodes(Engine engine, VfioTopology? topology = null)
{
    /// <summary>Opens a node.</summary>
    /// <param name="caller">Who opens.</param>
    /// <param name="path">The path.</param>
    /// <param name="file">The file.</param>
    /// <returns>Zero, a negative errno, or <see cref="DoorProtocol.NotMine"/>.</returns>
    internal long Open(Caller caller, string path, out OpenFile? file)
    {
        DeviceNumber number = default;
        Errno errno = Errno.Success;
        switch (path)
        {
            case "/dev/iommu":
                file = engine.Open(EngineNode.Iommu, caller.Quotas);
                number = DeviceNumber.Iommu;
                break;

            case "/dev/vfio/vfio":
                file = engine.Open(EngineNode.VfioContainer, caller.Quotas);
                number = DeviceNumber.VfioContainer;
                break;

            default:
                errno = OpenVfio(caller, path, out file, ref number);
                break;
        }

        if (file is null)
        {
            return errno == Errno.Success ? DoorProtocol.NotMine : -(long)errno;
        }

        file.Node = number.Packed;
        return 0;
    }

    private Errno OpenVfio(Caller caller, string path, out OpenFile? file, ref DeviceNumber number)
    {
        file = null;
        if (topology is null)
        {
            return Errno.Success;
        }

        for (int place = 0; place < topology.Devices.Count; place++)
        {
            if (string.Equals(topology.NodeOf(place), path, StringComparison.Ordinal))
            {
                if (FaultPoint.Fails())
                {
                    return Errno.OutOfMemory;
                }

                number = DeviceNumber.VfioDevice(place);
                return VfioTopology.Open(caller, topology.Devices[place], out file);
            }
        }

        int minor = 0;
        foreach (VfioGroup group in topology.Groups)
        {
            if (string.Equals(group.Node, path, StringComparison.Ordinal))
            {
                Errno errno = VfioGroupFile.Open(caller, group, out VfioGroupFile? opened);
                file = opened;
                number = DeviceNumber.VfioGroup(minor);
                return errno;
            }

            minor++;
        }

        return Errno.Success;
    }
}
