using System.Text;
using System.Text.Json;

namespace FastIova.Cli;

/// <summary>A file that says which devices VFIO offers, in JSON; comments and trailing commas are allowed.</summary>
/// <remarks>
/// <code>
/// { "devices": [ { "model": "edu", "bdf": "0000:01:00.0", "group": 7, "coherent": true } ] }
/// </code>
/// A device has a model and the options that <c>--device</c> has, by the same names; a value is a text, a number, or true and false for on and off.
/// </remarks>
internal static class TopologyFile
{
    private const string Devices = "devices";
    private const string Model = "model";

    /// <summary>Reads a file.</summary>
    /// <returns>What was asked for, each with the line of its device.</returns>
    /// <exception cref="FormatException">The file does not say it well; the message names file, line and property.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    internal static List<(int Line, DeviceOrder Order)> Read(string path) => Parse(path, File.ReadAllBytes(path));

    /// <summary>Reads the text of a file.</summary>
    /// <param name="path">What messages call it.</param>
    /// <param name="text">The text, UTF-8.</param>
    internal static List<(int Line, DeviceOrder Order)> Parse(string path, ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> mark = Encoding.UTF8.Preamble;
        text = text.StartsWith(mark) ? text[mark.Length..] : text;
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
        try
        {
            return ReadRoot(path, text, ref reader);
        }
        catch (JsonException wrong)
        {
            throw new FormatException($"{path}:{wrong.LineNumber + 1}: this is no JSON: {wrong.Message}", wrong);
        }
    }

    private static List<(int Line, DeviceOrder Order)> ReadRoot(string path, ReadOnlySpan<byte> text, ref Utf8JsonReader reader)
    {
        var orders = new List<(int Line, DeviceOrder Order)>();
        reader.Read();
        Expect(path, text, reader, JsonTokenType.StartObject, "the file", "an object with the list \"devices\"");
        bool isKnown = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (!string.Equals(name, Devices, StringComparison.Ordinal) || isKnown)
            {
                throw Wrong(path, text, reader, $"property \"{name}\": {(isKnown ? "it stands twice" : "nobody knows it")}; the file has one property, \"{Devices}\".");
            }

            isKnown = true;
            reader.Read();
            Expect(path, text, reader, JsonTokenType.StartArray, $"property \"{Devices}\"", "a list of devices in [ ]");
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                Expect(path, text, reader, JsonTokenType.StartObject, "a device", "an object in { }");
                orders.Add(ReadDevice(path, text, ref reader));
            }
        }

        // What follows the object is an error of the reader's.
        reader.Read();
        return isKnown ? orders : throw Wrong(path, text, reader, $"the list \"{Devices}\" is missing: write {{ \"{Devices}\": [ ] }}.");
    }

    private static (int Line, DeviceOrder Order) ReadDevice(string path, ReadOnlySpan<byte> text, ref Utf8JsonReader reader)
    {
        int line = LineOf(text, reader.TokenStartIndex);
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (options.ContainsKey(name))
            {
                throw Wrong(path, text, reader, $"property \"{name}\": it stands twice; give it once.");
            }

            reader.Read();
            options[name] = reader.TokenType switch
            {
                JsonTokenType.String => reader.GetString()!,
                JsonTokenType.Number when reader.TryGetUInt64(out ulong number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
                JsonTokenType.True => "on",
                JsonTokenType.False => "off",
                _ => throw Wrong(path, text, reader, $"property \"{name}\": {TextOf(reader)} is no value for it; write a text, a whole number, true or false."),
            };
            Check(path, text, reader, name, options);
        }

        if (!options.Remove(Model, out string? model))
        {
            throw new FormatException($"{path}:{line}: a device without a model: write \"{Model}\": \"edu\", or another of {string.Join(", ", ModelCatalog.Forms.Select(form => form.Name))}.");
        }

        return (line, DeviceOrder.Read(model, options));
    }

    // Each property as soon as it was read, so that a message names its line. What a model thinks of its options comes when it is made.
    private static void Check(string path, ReadOnlySpan<byte> text, in Utf8JsonReader reader, string name, Dictionary<string, string> options)
    {
        try
        {
            bool isModel = string.Equals(name, Model, StringComparison.Ordinal);
            Dictionary<string, string> alone = isModel ? [] : new(StringComparer.Ordinal) { [name] = options[name] };
            DeviceOrder.Read(isModel ? options[name] : ModelCatalog.Forms[0].Name, alone);
        }
        catch (FormatException wrong)
        {
            throw Wrong(path, text, reader, $"property \"{name}\": {wrong.Message}");
        }
    }

    private static void Expect(string path, ReadOnlySpan<byte> text, in Utf8JsonReader reader, JsonTokenType wanted, string what, string remedy)
    {
        if (reader.TokenType != wanted)
        {
            throw Wrong(path, text, reader, $"{what}: {TextOf(reader)} cannot stand here; write {remedy}.");
        }
    }

    private static FormatException Wrong(string path, ReadOnlySpan<byte> text, in Utf8JsonReader reader, string message) =>
        new($"{path}:{LineOf(text, reader.TokenStartIndex)}: {message}");

    private static int LineOf(ReadOnlySpan<byte> text, long at) => text[..(int)at].Count((byte)'\n') + 1;

    private static string TextOf(in Utf8JsonReader reader) => Encoding.UTF8.GetString(reader.ValueSpan);
}
