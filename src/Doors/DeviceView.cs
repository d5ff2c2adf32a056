using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace FastIova;

/// <summary>The files by which programs find the devices of a topology: below <c>/sys</c>, and the names of the nodes below <c>/dev</c>.</summary>
internal static class DeviceView
{
    private const string Groups = "/sys/kernel/iommu_groups";
    private const string Driver = "/sys/bus/pci/drivers/vfio-pci";

    /// <summary>Puts them into a view.</summary>
    internal static void Fill(ViewFolder view, VfioTopology topology)
    {
        view.AddNode("/dev/iommu", DeviceNumber.Iommu);
        view.AddNode("/dev/vfio/vfio", DeviceNumber.VfioContainer);
        foreach (string module in new[] { "vfio", "vfio_pci", "vfio_pci_core", "vfio_iommu_type1", "iommufd" })
        {
            view.AddFolder($"/sys/module/{module}");
        }

        foreach (string file in new[] { "bind", "unbind", "new_id", "remove_id" })
        {
            view.AddBytes($"{Driver}/{file}", [], isWritable: true);
        }

        int place = 0;
        foreach (VfioGroup group in topology.Groups)
        {
            view.AddNode(group.Node, DeviceNumber.VfioGroup(place++));
            AddGroup(view, group);
        }

        for (int i = 0; i < topology.Devices.Count; i++)
        {
            if (topology.NodeOf(i) is { } node)
            {
                view.AddNode(node, DeviceNumber.VfioDevice(i));
            }

            AddDevice(view, topology, i);
        }

        if (topology.Groups.Any(group => group.Kind == VfioGroupKind.NoIommu))
        {
            view.AddText("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y");
        }
    }

    private static void AddGroup(ViewFolder view, VfioGroup group)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"{Groups}/{group.Number}");
        if (group.Kind == VfioGroupKind.NoIommu)
        {
            view.AddText($"{folder}/name", "vfio-noiommu");
        }
        else
        {
            view.AddText($"{folder}/type", "DMA");
        }

        view.AddFolder($"{folder}/devices");
        var reserved = new SortedSet<string>(StringComparer.Ordinal);
        foreach (VfioDevice device in group.Devices)
        {
            view.AddLink($"{folder}/devices/{device.Address}", $"../../../../devices/{BusOf(device)}/{device.Address}");
            reserved.UnionWith(device.Hardware.ReservedRegions.Select(span => string.Create(CultureInfo.InvariantCulture, $"0x{span.First:x16} 0x{span.Last:x16} msi\n")));
        }

        view.AddBytes($"{folder}/reserved_regions", Encoding.ASCII.GetBytes(string.Concat(reserved)));
    }

    private static void AddDevice(ViewFolder view, VfioTopology topology, int place)
    {
        VfioDevice device = topology.Devices[place];
        string name = device.Address.ToString();
        string folder = $"/sys/devices/{BusOf(device)}/{name}";
        PciFunctionLayout layout = device.Function.Layout;
        view.AddText($"{folder}/vendor", Hex(layout.VendorId, 4));
        view.AddText($"{folder}/device", Hex(layout.DeviceId, 4));
        view.AddText($"{folder}/subsystem_vendor", Hex(layout.SubsystemVendorId, 4));
        view.AddText($"{folder}/subsystem_device", Hex(layout.SubsystemId, 4));
        view.AddText($"{folder}/class", Hex(layout.ClassCode, 6));
        view.AddText($"{folder}/revision", Hex(layout.Revision, 2));
        view.AddText($"{folder}/irq", "0");
        view.AddText($"{folder}/numa_node", "-1");
        view.AddText($"{folder}/enable", "0", isWritable: true);
        view.AddText($"{folder}/driver_override", "vfio-pci", isWritable: true);
        view.AddText($"{folder}/uevent", string.Create(CultureInfo.InvariantCulture, $"DRIVER=vfio-pci\nPCI_CLASS={layout.ClassCode:X}\nPCI_ID={layout.VendorId:X4}:{layout.DeviceId:X4}\nPCI_SUBSYS_ID={layout.SubsystemVendorId:X4}:{layout.SubsystemId:X4}\nPCI_SLOT_NAME={name}"));
        view.AddBytes($"{folder}/resource", Encoding.ASCII.GetBytes(Resources(device)));
        view.AddBytes($"{folder}/config", Config(device));
        view.AddLink($"{folder}/driver", "../../../bus/pci/drivers/vfio-pci");
        view.AddLink($"{folder}/subsystem", "../../../bus/pci");
        view.AddLink($"{folder}/iommu_group", string.Create(CultureInfo.InvariantCulture, $"../../../kernel/iommu_groups/{device.Group.Number}"));
        string node = $"{folder}/vfio-dev/{topology.NameOf(place)}";
        if (topology.NodeOf(place) is not null)
        {
            view.AddText($"{node}/dev", DeviceNumber.VfioDevice(place).ToString());
        }

        view.AddLink($"{node}/device", $"../../../{name}");
        view.AddLink($"/sys/bus/pci/devices/{name}", $"../../../devices/{BusOf(device)}/{name}");
        view.AddLink($"{Driver}/{name}", $"../../../../devices/{BusOf(device)}/{name}");
        view.AddLink($"/sys/class/vfio-dev/{topology.NameOf(place)}", $"../../devices/{BusOf(device)}/{name}/vfio-dev/{topology.NameOf(place)}");
    }

    private static string BusOf(VfioDevice device) => string.Create(CultureInfo.InvariantCulture, $"pci{device.Address.Segment:x4}:{device.Address.Bus:x2}");

    private static string Hex(uint value, int digits) => "0x" + value.ToString("x" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    // First, last and flags of each BAR, of the ROM and of six windows that only bridges have.
    private static string Resources(VfioDevice device)
    {
        const int Lines = 13;
        var text = new StringBuilder();
        for (int i = 0; i < Lines; i++)
        {
            PciBar? bar = device.Function.Layout.Bar(i);
            ulong first = bar is null ? 0 : device.Config.AddressOf(bar);
            ulong last = bar is null ? 0 : first + bar.Bytes - 1;
            uint flags = bar switch
            {
                null => 0,
                { Kind: PciBarKind.Io } => 0x40101,
                { Kind: PciBarKind.Memory64 } => 0x140204,
                _ => 0x40200,
            };
            flags |= bar is { IsPrefetchable: true } ? 0x2008u : 0;
            text.Append(CultureInfo.InvariantCulture, $"0x{first:x16} 0x{last:x16} 0x{flags:x16}\n");
        }

        return text.ToString();
    }

    // As it is when nobody has opened the device; whoever drives it reads it through its own file.
    private static byte[] Config(VfioDevice device)
    {
        byte[] bytes = new byte[device.Function.Layout.ConfigBytes];
        device.Function.ReadConfig(0, bytes);
        foreach (PciBar bar in device.Function.Layout.Bars)
        {
            Span<byte> place = bytes.AsSpan(PciRegister.Bars + (bar.Index * sizeof(uint)));
            ulong value = device.Config.AddressOf(bar) | BinaryPrimitives.ReadUInt32LittleEndian(place);
            BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)value);
            if (bar.Kind == PciBarKind.Memory64)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(place[sizeof(uint)..], (uint)(value >> 32));
            }
        }

        return bytes;
    }
}
