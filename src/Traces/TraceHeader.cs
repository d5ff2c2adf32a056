using System.Globalization;
using System.Text.Json;

namespace FastIova;

/// <summary>The facts that stand before the records of a trace.</summary>
/// <remarks>
/// Read from one JSON object. Keys that this class does not know are skipped, so that a recorder may add some; a known key
/// with a wrong value refuses the trace.
/// </remarks>
internal sealed class TraceHeader
{
    /// <summary>The value of the key <c>magic</c>.</summary>
    internal const string Magic = "DMT1";

    /// <summary>The longest header that is read: room for all 65535 domains, and no more than a careless file can cost.</summary>
    internal const int BytesMax = 2 << 20;

    /// <summary>The most records of a trace: 0.8 GB in memory, seventeen times the longest one that is shipped.</summary>
    internal const int RecordsMax = 1 << 25;

    private const string Remedy = "Fetch the file again, or convert the recording again.";

    private readonly long[] _counts = new long[TraceOpNames.End];
    private readonly Dictionary<ushort, string> _domains = [];
    private readonly Dictionary<string, ushort> _devices = new(StringComparer.Ordinal);

    private TraceHeader()
    {
    }

    /// <summary>The short name of the workload.</summary>
    internal string Workload { get; private set; } = "";

    /// <summary>What the workload does, as a sentence.</summary>
    internal string What { get; private set; } = "";

    /// <summary>The kind of IOMMU: <c>intel</c>, <c>amd</c> or <c>virtio</c>.</summary>
    internal string Iommu { get; private set; } = "";

    /// <summary>When unmapped pages are invalidated: <c>strict</c>, <c>lazy</c>, or <c>static-vfio</c>.</summary>
    internal string Mode { get; private set; } = "";

    /// <summary>The recorded machine.</summary>
    internal string Machine { get; private set; } = "";

    /// <summary>The kernel that mapped.</summary>
    internal string Kernel { get; private set; } = "";

    /// <summary>The emulator that translated.</summary>
    internal string Emulator { get; private set; } = "";

    /// <summary>The command line of the kernel.</summary>
    internal string CommandLine { get; private set; } = "";

    /// <summary>The records that follow.</summary>
    internal int Records { get; private set; }

    /// <summary>The most pages of 4 KiB that were mapped at one time.</summary>
    internal long PeakLivePages { get; private set; }

    /// <summary>The disagreements that the recorder found in its own trace.</summary>
    internal long Violations { get; private set; }

    /// <summary>The domains and their types, as in <c>dma</c> or <c>unmanaged</c>.</summary>
    internal IReadOnlyDictionary<ushort, string> Domains => _domains;

    /// <summary>The devices that were attached at the end: name to bus, device and function.</summary>
    internal IReadOnlyDictionary<string, ushort> Devices => _devices;

    /// <summary>The records of one kind.</summary>
    /// <param name="op">The kind.</param>
    /// <returns>The number, 0 for kinds that do not occur.</returns>
    internal long Count(TraceOp op) => (int)op < _counts.Length ? _counts[(int)op] : 0;

    /// <summary>Reads a header.</summary>
    /// <param name="json">The bytes of the object, with or without the padding behind it.</param>
    /// <param name="trace">The name of the trace, for errors.</param>
    /// <returns>The header.</returns>
    /// <exception cref="TraceFormatException">The header breaks a rule.</exception>
    internal static TraceHeader Parse(ReadOnlyMemory<byte> json, string trace)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Parse(document.RootElement, trace);
        }
        catch (JsonException e)
        {
            throw new TraceFormatException(trace, e.BytePositionInLine ?? 0, "the header is no JSON object; a trace begins with one object, each key once", Remedy, e);
        }
        catch (InvalidOperationException e)
        {
            // The document checks the encoding of a string only when the string is asked for, and answers like this.
            throw new TraceFormatException(trace, 0, "the header holds a text that is no Unicode; texts are valid UTF-8", Remedy, e);
        }
    }

    private static TraceHeader Parse(JsonElement root, string trace)
    {
        var header = new TraceHeader();
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Broken(trace, $"the header is a JSON {root.ValueKind}", "a trace begins with one object");
        }

        string magic = RequiredText(root, "magic", trace);
        if (!string.Equals(magic, Magic, StringComparison.Ordinal))
        {
            throw Broken(trace, $"header key magic is \"{magic}\"", $"it is \"{Magic}\" in the one version of the format that is known");
        }

        long record = RequiredNumber(root, "record", trace);
        if (record != TraceRecord.Bytes)
        {
            throw Broken(trace, $"header key record is {record}", $"a record has {TraceRecord.Bytes} bytes");
        }

        long records = RequiredNumber(root, "records", trace);
        if (records > RecordsMax)
        {
            throw new TraceFormatException(trace, 0, $"header key records is {records}; at most {RecordsMax} are read", "Cut the recording into several traces.");
        }

        header.Records = (int)records;
        header.Workload = RequiredText(root, "workload", trace);
        header.Iommu = RequiredText(root, "iommu", trace);
        header.Mode = RequiredText(root, "mode", trace);
        header.PeakLivePages = RequiredNumber(root, "peak_live_pages", trace);
        header.What = OptionalText(root, "what", trace);
        header.Machine = OptionalText(root, "machine", trace);
        header.Kernel = OptionalText(root, "kernel", trace);
        header.Emulator = OptionalText(root, "emulator", trace);
        header.CommandLine = OptionalText(root, "cmdline", trace);
        header.ReadCounts(RequiredObject(root, "counts", trace), trace);
        header.ReadDomains(RequiredObject(root, "domains", trace), trace);
        header.ReadDevices(RequiredObject(root, "devices", trace), trace);
        if (root.TryGetProperty("violations", out _))
        {
            foreach (JsonProperty violation in RequiredObject(root, "violations", trace).EnumerateObject())
            {
                header.Violations = long.Max(header.Violations, Number(violation.Value, $"violations.{violation.Name}", trace));
            }
        }

        return header;
    }

    private void ReadCounts(JsonElement counts, string trace)
    {
        foreach (JsonProperty count in counts.EnumerateObject())
        {
            // A name in parentheses is a note of the recorder about something that has no records.
            if (count.Name.StartsWith('('))
            {
                continue;
            }

            if (!TraceOpNames.TryFind(count.Name, out TraceOp op))
            {
                throw Broken(trace, $"header key counts names \"{count.Name}\"", "it names operations, as in inv-range, and notes in parentheses");
            }

            _counts[(int)op] = Number(count.Value, $"counts.{count.Name}", trace);
        }
    }

    private void ReadDomains(JsonElement domains, string trace)
    {
        foreach (JsonProperty domain in domains.EnumerateObject())
        {
            if (!ushort.TryParse(domain.Name, NumberStyles.None, CultureInfo.InvariantCulture, out ushort index) || index == TraceRecord.UnknownDomain)
            {
                throw Broken(trace, $"header key domains names \"{domain.Name}\"", "a domain is a number from 0 to 65534");
            }

            _domains[index] = Text(domain.Value, $"domains.{domain.Name}", trace);
        }
    }

    private void ReadDevices(JsonElement devices, string trace)
    {
        foreach (JsonProperty device in devices.EnumerateObject())
        {
            long number = Number(device.Value, $"devices.{device.Name}", trace);
            if (number > ushort.MaxValue)
            {
                throw Broken(trace, $"header key devices.{device.Name} is {number}", "bus, device and function fit in 16 bits");
            }

            _devices[device.Name] = (ushort)number;
        }
    }

    private static JsonElement RequiredObject(JsonElement root, string key, string trace)
    {
        JsonElement value = Required(root, key, trace);
        return value.ValueKind == JsonValueKind.Object
            ? value
            : throw Broken(trace, $"header key {key} is a JSON {value.ValueKind}", "it is an object");
    }

    private static string RequiredText(JsonElement root, string key, string trace) => Text(Required(root, key, trace), key, trace);

    private static long RequiredNumber(JsonElement root, string key, string trace) => Number(Required(root, key, trace), key, trace);

    private static string OptionalText(JsonElement root, string key, string trace) =>
        root.TryGetProperty(key, out JsonElement value) ? Text(value, key, trace) : "";

    private static string Text(JsonElement value, string key, string trace) => value.ValueKind == JsonValueKind.String
        ? value.GetString()!
        : throw Broken(trace, $"header key {key} is a JSON {value.ValueKind}", "it is a text");

    private static long Number(JsonElement value, string key, string trace) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long result) && result >= 0
            ? result
            : throw Broken(trace, $"header key {key} is {Shortened(value)}", "it is a whole number, at least 0");

    private static JsonElement Required(JsonElement root, string key, string trace) => root.TryGetProperty(key, out JsonElement value)
        ? value
        : throw Broken(trace, $"the header has no key {key}", "the key is required");

    private static string Shortened(JsonElement value)
    {
        string text = value.GetRawText();
        return text.Length <= 40 ? text : text[..40] + "…";
    }

    private static TraceFormatException Broken(string trace, string found, string rule) => new(trace, 0, $"{found}; {rule}", Remedy);
}
