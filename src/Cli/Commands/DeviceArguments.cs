using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FastIova.Cli;

/// <summary>The option that says which devices VFIO offers: models of the catalog, with where they are and what IOMMU is before them.</summary>
internal sealed class DeviceArguments
{
    /// <summary>What every device can be told, beside the options of its model.</summary>
    internal static readonly (string Name, string Meaning)[] Common =
    [
        (Group, "the number of its IOMMU group; devices with the same one are assigned together, and share a bus that can be reset"),
        (Place, "its address, for example 0000:01:00.0; the next free bus unless told otherwise"),
        (IovaBits, "the width of the addresses that its IOMMU translates, 32 to 57; 48 unless told otherwise"),
        (PasidBits, "the width of its PASIDs, 1 to 20; without, it has none"),
        (NoIommu, "no value: nothing translates for it; it reaches what is pinned for it by the addresses that IOAS_NOIOMMU_GET_PA tells, for programs with CAP_SYS_RAWIO"),
    ];

    private const string Group = "group";
    private const string Place = "bdf";
    private const string IovaBits = "iova-bits";
    private const string PasidBits = "pasid-bits";
    private const string NoIommu = "noiommu";

    // Where the interrupts of an x86 machine lie: no memory is mapped there.
    private static readonly IovaSpan InterruptWindow = new(0xFEE0_0000, 0xFEEF_FFFF);

    private readonly Option<string[]> _devices = new("--device")
    {
        Description = "Offer a device by VFIO: a model and its options, for example nvme,memory=64M,group=3. Repeat it for more. 'fastiova devices' lists what there is.",
        HelpName = "MODEL[,OPTION=VALUE...]",
        Arity = ArgumentArity.ZeroOrMore,
    };

    internal DeviceArguments() => _devices.Validators.Add(AreKnown);

    /// <summary>The option, to add to a command.</summary>
    internal Option Option => _devices;

    /// <summary>Makes the devices that were asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="engine">The engine.</param>
    /// <param name="faults">Receives the accesses that were refused.</param>
    /// <returns>The devices; null when none was asked for.</returns>
    /// <exception cref="ArgumentException">A device cannot be so.</exception>
    /// <exception cref="IOException">A file of a device cannot be opened.</exception>
    internal VfioTopology? Devices(ParseResult parsed, Engine engine, Action<PciAddress, Fault> faults)
    {
        string[] texts = parsed.GetValue(_devices) ?? [];
        if (texts.Length == 0)
        {
            return null;
        }

        var topology = new VfioTopology(engine);
        try
        {
            List<Asked> order = [.. texts.Select(Read)];
            HashSet<int> given = [.. order.Where(device => device.Address is { Segment: 0 }).Select(device => (int)device.Address!.Value.Bus)];
            foreach (Asked device in order)
            {
                PciAddress address = device.Address ?? NextFree(topology, given, device.Group);
                topology.Add(device.Group, ModelCatalog.Create(device.Model, device.Options), new VfioDeviceOptions { Address = address, Iommu = device.Iommu, IsNoIommu = device.IsNoIommu, OnFault = faults });
            }

            return topology;
        }
        catch
        {
            topology.Dispose();
            throw;
        }
    }

    private static void AreKnown(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            try
            {
                Asked device = Read(token.Value);
                if (!ModelCatalog.Forms.Any(form => string.Equals(form.Name, device.Model, StringComparison.Ordinal)))
                {
                    option.AddError($"--device '{token.Value}': there is no model '{device.Model}'; use {string.Join(", ", ModelCatalog.Forms.Select(form => form.Name))}.");
                }
            }
            catch (Exception wrong) when (wrong is ArgumentException or FormatException)
            {
                option.AddError($"--device '{token.Value}': {wrong.Message}");
            }
        }
    }

    private static Asked Read(string text)
    {
        (string model, Dictionary<string, string> options) = ModelCatalog.Split(TakeFlag(text, out bool isNoIommu));
        int? group = Take(options, Group, 0, int.MaxValue);
        int? width = Take(options, IovaBits, 32, 57);
        int? pasids = Take(options, PasidBits, 1, 20);
        PciAddress? address = null;
        if (options.Remove(Place, out string? place))
        {
            address = PciAddress.TryParse(place, out PciAddress there) ? there : throw new FormatException($"'{place}' is no address of a PCI function: write segment:bus:device.function, for example 0000:01:00.0.");
        }

        if (isNoIommu && (width is not null || pasids is not null))
        {
            throw new FormatException($"With {NoIommu} there is no IOMMU that {IovaBits} or {PasidBits} could describe: leave them out.");
        }

        var iommu = new DeviceOptions
        {
            Domain = new DomainOptions { Aperture = new IovaSpan(0, (1UL << (width ?? 48)) - 1) },
            PasidLog2 = pasids ?? 0,
            ReservedRegions = [InterruptWindow],
        };
        return new Asked(model, options, group, address, isNoIommu, iommu);
    }

    // The only option that has no value.
    private static string TakeFlag(string text, out bool isGiven)
    {
        string[] parts = text.Split(',');
        string[] rest = [.. parts.Where(part => !string.Equals(part, NoIommu, StringComparison.Ordinal))];
        isGiven = rest.Length == parts.Length - 1;
        return isGiven ? string.Join(',', rest) : text;
    }

    private static int? Take(Dictionary<string, string> options, string name, int least, int most)
    {
        if (!options.Remove(name, out string? text))
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
            : throw new FormatException($"'{text}' cannot be {name}: give a number from {least} to {most}.");
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

    private sealed record Asked(string Model, Dictionary<string, string> Options, int? Group, PciAddress? Address, bool IsNoIommu, DeviceOptions Iommu);
}
