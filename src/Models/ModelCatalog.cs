using System.Globalization;

namespace FastIova;

/// <summary>One option of a model, as the command line spells it.</summary>
/// <param name="Name">What stands before the equals sign.</param>
/// <param name="Meaning">What it does, with its values and its default.</param>
public sealed record ModelOption(string Name, string Meaning);

/// <summary>One model that the command line can name.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Meaning">What device it is.</param>
/// <param name="Options">What can be said about it.</param>
public sealed record ModelForm(string Name, string Meaning, IReadOnlyList<ModelOption> Options);

/// <summary>The models by their names, with their options: <c>edu</c>, <c>nvme,image=disk.img</c>, <c>testdev</c>.</summary>
public static class ModelCatalog
{
    private const string Mask = "dma_mask";
    private const string Image = "image";
    private const string Memory = "memory";
    private const string Block = "block";
    private const string Queues = "queues";
    private const string Serial = "serial";

    /// <summary>Everything that can be named.</summary>
    public static IReadOnlyList<ModelForm> Forms { get; } =
    [
        new("edu", "QEMU's educational device (1234:11e8): factorial, interrupts, DMA", [new(Mask, "the bits of an address that reach the bus, for example 0xffffffff; 0xfffffff unless told otherwise")]),
        new(
            "nvme",
            "NVMe 1.4 controller (1b36:0010) with one namespace",
            [
                new(Image, "the file that is the namespace; either this or memory"),
                new(Memory, "the size of a namespace in memory, for example 64M"),
                new(Block, "bytes of a block: 512 or 4096; 512 unless told otherwise"),
                new(Queues, "pairs of I/O queues, 1 to 64; 64 unless told otherwise"),
                new(Serial, "the serial number, up to 20 characters"),
            ]),
        new("testdev", "QEMU's test device (1b36:0005): memory and I/O ports that count writes", []),
        new("igb", "Intel's 82576 (8086:10c9) without a network: it receives what it sends", []),
    ];

    /// <summary>Makes the model that a text names.</summary>
    /// <param name="text">A name, and options after commas.</param>
    /// <returns>The model.</returns>
    /// <exception cref="ArgumentException">The text names no model, or an option is wrong: the message says which, and what could be said.</exception>
    /// <exception cref="IOException">An image cannot be opened.</exception>
    public static IPciDeviceModel Create(string text)
    {
        (string name, Dictionary<string, string> options) = Split(text);
        return Create(name, options);
    }

    /// <summary>Takes a text apart, for those who have options of their own to take out of it.</summary>
    /// <param name="text">A name, and options after commas.</param>
    /// <returns>The name, and the options by their names.</returns>
    /// <exception cref="ArgumentException">A part is no option, or an option stands there twice.</exception>
    public static (string Name, Dictionary<string, string> Options) Split(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(',');
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in parts.AsSpan(1))
        {
            int at = part.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
            {
                throw Wrong($"'{part}' in the device '{text}' is no option: write name=value, with commas between options.");
            }

            if (!options.TryAdd(part[..at], part[(at + 1)..]))
            {
                throw Wrong($"The option {part[..at]} stands twice in the device '{text}': give it once.");
            }
        }

        return (parts[0], options);
    }

    /// <summary>Makes a model.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">Its options, none that it does not have.</param>
    /// <returns>The model.</returns>
    /// <exception cref="ArgumentException">There is no such model, or an option is wrong: the message says which, and what could be said.</exception>
    /// <exception cref="IOException">An image cannot be opened.</exception>
    public static IPciDeviceModel Create(string name, IReadOnlyDictionary<string, string> options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ModelForm form = Forms.FirstOrDefault(form => string.Equals(form.Name, name, StringComparison.Ordinal))
            ?? throw Wrong($"There is no device '{name}': use {string.Join(", ", Array.ConvertAll([.. Forms], form => form.Name))}.");
        foreach (string option in options.Keys)
        {
            if (!form.Options.Any(known => string.Equals(known.Name, option, StringComparison.Ordinal)))
            {
                string known = form.Options.Count == 0 ? "it has none" : $"use {string.Join(", ", Array.ConvertAll([.. form.Options], known => known.Name))}";
                throw Wrong($"The device {name} has no option {option}: {known}.");
            }
        }

        return name switch
        {
            "edu" => new EduModel(Edu(options)),
            "nvme" => new NvmeModel(Nvme(options)),
            "igb" => new IgbModel(),
            _ => new TestDevModel(),
        };
    }

    private static EduModelOptions Edu(IReadOnlyDictionary<string, string> options)
    {
        var made = new EduModelOptions();
        return options.TryGetValue(Mask, out string? mask) ? made with { DmaMask = Number("edu", Mask, mask) } : made;
    }

    private static NvmeModelOptions Nvme(IReadOnlyDictionary<string, string> options)
    {
        var made = new NvmeModelOptions { ImagePath = options.GetValueOrDefault(Image), Serial = options.GetValueOrDefault(Serial) };
        if (options.ContainsKey(Image) == options.ContainsKey(Memory))
        {
            throw Wrong("The device nvme needs a namespace: give either image=PATH or memory=SIZE, for example nvme,memory=64M.");
        }

        if (options.TryGetValue(Memory, out string? memory))
        {
            made = made with { MemoryBytes = Size(memory) };
        }

        if (options.TryGetValue(Block, out string? block))
        {
            made = made with { BlockBytes = (int)Math.Min(Number("nvme", Block, block), int.MaxValue) };
        }

        return options.TryGetValue(Queues, out string? queues) ? made with { IoQueues = (int)Math.Min(Number("nvme", Queues, queues), int.MaxValue) } : made;
    }

    private static ulong Size(string text)
    {
        if (!ByteSize.TryParse(text, 1UL << 46, out ulong bytes) || bytes == 0)
        {
            throw Wrong($"'{text}' is no size for {Memory} of the device nvme: write a number of bytes from 1 to 64T, with K, M, G or T behind it.");
        }

        return bytes;
    }

    private static ulong Number(string name, string option, string text)
    {
        bool good = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong number)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
        return good ? number : throw Wrong($"'{text}' is no number for {option} of the device {name}: write digits, or 0x and hexadecimal digits.");
    }

#pragma warning disable MA0015 // the message names the option; the parameter is a whole text
    private static ArgumentException Wrong(string message) => new(message);
#pragma warning restore MA0015 // see above
}
