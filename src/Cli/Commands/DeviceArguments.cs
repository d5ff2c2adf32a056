using System.CommandLine;
using System.CommandLine.Parsing;

namespace FastIova.Cli;

/// <summary>The options that say which devices VFIO offers: one by one, or in a file.</summary>
internal sealed class DeviceArguments
{
    private readonly Option<string[]> _devices = new("--device")
    {
        Description = "Offer a device by VFIO: a model and its options, for example nvme,memory=64M,group=3. Repeat it for more. 'fastiova devices' lists what there is.",
        HelpName = "MODEL[,OPTION=VALUE...]",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _topology = new("--topology")
    {
        Description = "Offer the devices that a file in JSON lists, with the same options; those of --device come after them. docs/topology.md describes it.",
        HelpName = "FILE",
    };

    internal DeviceArguments()
    {
        _devices.Validators.Add(AreKnown);
        _topology.Validators.Add(IsThere);
    }

    /// <summary>The options, to add to a command.</summary>
    internal IReadOnlyList<Option> All => [_devices, _topology];

    /// <summary>Makes the devices that were asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="engine">The engine.</param>
    /// <param name="faults">Receives the accesses that were refused.</param>
    /// <returns>The devices; null when none was asked for.</returns>
    /// <exception cref="FormatException">A device cannot be so; the message names where it was asked for.</exception>
    internal VfioTopology? Devices(ParseResult parsed, Engine engine, Action<PciAddress, Fault> faults)
    {
        List<(string Where, DeviceOrder Order)> orders = Orders(parsed);
        if (orders.Count == 0)
        {
            return null;
        }

        var topology = new VfioTopology(engine);
        try
        {
            HashSet<int> given = [.. orders.Where(asked => asked.Order.Address is { Segment: 0 }).Select(asked => (int)asked.Order.Address!.Value.Bus)];
            foreach ((string where, DeviceOrder order) in orders)
            {
                Add(topology, given, where, order, faults);
            }

            return topology;
        }
        catch
        {
            topology.Dispose();
            throw;
        }
    }

    private static void Add(VfioTopology topology, HashSet<int> given, string where, DeviceOrder order, Action<PciAddress, Fault> faults)
    {
        try
        {
            PciAddress address = order.Address ?? NextFree(topology, given, order.Group);
            topology.Add(order.Group, ModelCatalog.Create(order.Model, order.Options), order.Made with { Address = address, OnFault = faults });
        }
        catch (Exception wrong) when (wrong is ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"{where}: {wrong.Message}", wrong);
        }
    }

    private List<(string Where, DeviceOrder Order)> Orders(ParseResult parsed)
    {
        List<(string Where, DeviceOrder Order)> orders = [];
        if (parsed.GetValue(_topology) is { } path)
        {
            orders.AddRange(TopologyFile.Read(path).Select(device => ($"{path}:{device.Line}", device.Order)));
        }

        orders.AddRange((parsed.GetValue(_devices) ?? []).Select(text => ($"--device '{text}'", Read(text))));
        return orders;
    }

    private static DeviceOrder Read(string text)
    {
        (string model, Dictionary<string, string> options) = ModelCatalog.Split(DeviceOrder.Complete(text));
        return DeviceOrder.Read(model, options);
    }

    private static void AreKnown(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            try
            {
                Read(token.Value);
            }
            catch (Exception wrong) when (wrong is ArgumentException or FormatException)
            {
                option.AddError($"--device '{token.Value}': {wrong.Message}");
            }
        }
    }

    private static void IsThere(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            try
            {
                TopologyFile.Read(token.Value);
            }
            catch (FormatException wrong)
            {
                option.AddError($"--topology {wrong.Message}");
            }
            catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException)
            {
                option.AddError($"--topology '{token.Value}' cannot be read: {wrong.Message} Name a file in JSON.");
            }
        }
    }

    // Devices of one group lie side by side on one bus; every other one has a bus to itself.
    private static PciAddress NextFree(VfioTopology topology, HashSet<int> given, int? group)
    {
        VfioDevice? sibling = topology.Devices.Where(device => device.Group.Number == group).MaxBy(device => device.Address.Devfn);
        if (sibling is { Address.Devfn: < 0xF8 })
        {
            return sibling.Address with { Devfn = (byte)((sibling.Address.Devfn & 0xF8) + 8) };
        }

        int bus = Enumerable.Range(1, 255).First(free => !given.Contains(free) && topology.Devices.All(device => device.Address.Bus != free || device.Address.Segment != 0));
        return new PciAddress(0, (byte)bus, 0);
    }
}
