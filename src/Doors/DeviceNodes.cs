using System.Globalization;

namespace FastIova;

/// <summary>The device nodes that an engine answers for.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class DeviceNodes(Engine engine, VfioTopology? topology = null)
{
    private const string Devices = "/dev/vfio/devices/vfio";
    private const string Groups = "/dev/vfio/";

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
                errno = OpenVfio(path, out file, ref number);
                break;
        }

        if (file is null)
        {
            return errno == Errno.Success ? DoorProtocol.NotMine : -(long)errno;
        }

        file.Node = number.Packed;
        return 0;
    }

    private Errno OpenVfio(string path, out OpenFile? file, ref DeviceNumber number)
    {
        file = null;
        if (topology is null)
        {
            return Errno.Success;
        }

        if (TryParse(path, Devices, out int place) && place < topology.Devices.Count)
        {
            file = VfioTopology.Open(topology.Devices[place]);
            number = DeviceNumber.VfioDevice(place);
            return Errno.Success;
        }

        if (!TryParse(path, Groups, out int wanted))
        {
            return Errno.Success;
        }

        place = 0;
        foreach (VfioGroup group in topology.Groups)
        {
            if (group.Number == wanted)
            {
                Errno errno = VfioGroupFile.Open(group, out VfioGroupFile? opened);
                file = opened;
                number = DeviceNumber.VfioGroup(place);
                return errno;
            }

            place++;
        }

        return Errno.Success;
    }

    // One way to write a number: no zeros before it.
    private static bool TryParse(string path, string before, out int number)
    {
        number = 0;
        return path.StartsWith(before, StringComparison.Ordinal)
            && int.TryParse(path.AsSpan(before.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && path.Length == before.Length + number.ToString(CultureInfo.InvariantCulture).Length;
    }
}
