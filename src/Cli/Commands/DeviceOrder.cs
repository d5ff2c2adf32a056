using System.Globalization;

namespace FastIova.Cli;

/// <summary>One device as somebody asked for it: a model with its options, where it is, what it can do, and what IOMMU is before it.</summary>
/// <param name="Model">The name of the model.</param>
/// <param name="Options">What is left for the model to say about.</param>
/// <param name="Group">The number of its group; null for one of its own.</param>
/// <param name="Address">Its address; null for the next free one.</param>
/// <param name="Made">The rest; without the address.</param>
internal sealed record DeviceOrder(string Model, Dictionary<string, string> Options, int? Group, PciAddress? Address, VfioDeviceOptions Made)
{
    /// <summary>What every device can be told, beside the options of its model.</summary>
    internal static readonly (string Name, string Meaning)[] Common =
    [
        (InGroup, "the number of its IOMMU group; devices with the same one are assigned together, and share a bus that can be reset"),
        (Place, "its address, for example 0000:01:00.0; the next free bus unless told otherwise"),
        (IovaBits, "the width of the addresses that its IOMMU translates, 32 to 57; 48 unless told otherwise"),
        (PasidBits, "the width of its PASIDs, 1 to 20; without, it has none"),
        (Coherent, "on when its IOMMU makes every access coherent (VFIO_DMA_CC_IOMMU); off unless told otherwise"),
        (Reset, "what can reset it: function, as its model says; bus, the bridge before it, when it is alone on its bus; none. function unless told otherwise"),
        (Emulated, "on for a device without an IOMMU, attached to an ioas by an access, as Linux' mediated devices; off unless told otherwise"),
        (NoIommu, "on when nothing translates for it: it reaches what is pinned for it by the addresses that IOAS_NOIOMMU_GET_PA tells, for programs with CAP_SYS_RAWIO; off unless told otherwise"),
        (Migration, "on when its state can be carried over by VFIO (edu and testdev); off unless told otherwise"),
        (DmaLogging, "on when it logs the pages that it writes (VFIO_DEVICE_FEATURE_DMA_LOGGING); off unless told otherwise"),
    ];

    private const string InGroup = "group";
    private const string Place = "bdf";
    private const string IovaBits = "iova-bits";
    private const string PasidBits = "pasid-bits";
    private const string Coherent = "coherent";
    private const string Reset = "reset";
    private const string Emulated = "emulated";
    private const string NoIommu = "noiommu";
    private const string Migration = "migration";
    private const string DmaLogging = "dma-logging";

    // Where the interrupts of an x86 machine lie: no memory is mapped there.
    private static readonly IovaSpan InterruptWindow = new(0xFEE0_0000, 0xFEEF_FFFF);

    private static readonly HashSet<string> Switches = new(StringComparer.Ordinal) { Coherent, Emulated, NoIommu, Migration, DmaLogging };

    private static readonly Dictionary<string, VfioResetKind> Resets = new(StringComparer.Ordinal)
    {
        ["function"] = VfioResetKind.Function,
        ["bus"] = VfioResetKind.Bus,
        ["none"] = VfioResetKind.None,
    };

    /// <summary>Takes apart what was asked for.</summary>
    /// <param name="model">The name of a model.</param>
    /// <param name="options">The options by their names.</param>
    /// <exception cref="FormatException">There is no such model, or an option that every device has is wrong; the message names it.</exception>
    internal static DeviceOrder Read(string model, Dictionary<string, string> options)
    {
        if (!ModelCatalog.Forms.Any(form => string.Equals(form.Name, model, StringComparison.Ordinal)))
        {
            throw new FormatException($"there is no model '{model}'; use {string.Join(", ", ModelCatalog.Forms.Select(form => form.Name))}.");
        }

        var left = new Dictionary<string, string>(options, StringComparer.Ordinal);
        int? group = Number(left, InGroup, 0, int.MaxValue);
        int? iova = Number(left, IovaBits, 32, 57);
        int? pasid = Number(left, PasidBits, 1, 20);
        PciAddress? address = null;
        if (left.Remove(Place, out string? place))
        {
            address = PciAddress.TryParse(place, out PciAddress there) ? there : throw new FormatException($"'{place}' is no address of a PCI function: write segment:bus:device.function, for example 0000:01:00.0.");
        }

        VfioResetKind reset = VfioResetKind.Function;
        if (left.Remove(Reset, out string? kind) && !Resets.TryGetValue(kind, out reset))
        {
            throw new FormatException($"'{kind}' cannot be {Reset}: use {string.Join(", ", Resets.Keys)}.");
        }

        var made = new VfioDeviceOptions
        {
            Address = address ?? default,
            Iommu = new DeviceOptions
            {
                Domain = new DomainOptions { Aperture = new IovaSpan(0, (1UL << (iova ?? 48)) - 1) },
                PasidLog2 = pasid ?? 0,
                EnforcesCoherency = Switch(left, Coherent),
                ReservedRegions = [InterruptWindow],
            },
            Reset = reset,
            IsEmulated = Switch(left, Emulated),
            IsNoIommu = Switch(left, NoIommu),
            Migrates = Switch(left, Migration),
            LogsWrites = Switch(left, DmaLogging),
        };
        if (made.Kind != VfioGroupKind.Iommu && (iova is not null || pasid is not null || made.Iommu.EnforcesCoherency))
        {
            throw new FormatException($"with {(made.IsNoIommu ? NoIommu : Emulated)} there is no IOMMU that {IovaBits}, {PasidBits} or {Coherent} could describe: leave them out.");
        }

        return made.IsNoIommu && made.IsEmulated ? throw new FormatException($"a device is {NoIommu} or {Emulated}, not both: leave one out.")
            : new DeviceOrder(model, left, group, address, made);
    }

    /// <summary>Completes a text of options: one that can be on or off is on when its name alone stands there.</summary>
    internal static string Complete(string text) => string.Join(',', text.Split(',').Select((part, i) => i != 0 && Switches.Contains(part) ? $"{part}=on" : part));

    private static int? Number(Dictionary<string, string> options, string name, int least, int most)
    {
        if (!options.Remove(name, out string? text))
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
            : throw new FormatException($"'{text}' cannot be {name}: give a number from {least} to {most}.");
    }

    private static bool Switch(Dictionary<string, string> options, string name) => options.Remove(name, out string? text) && text switch
    {
        "on" => true,
        "off" => false,
        _ => throw new FormatException($"'{text}' cannot be {name}: use on or off."),
    };
}
