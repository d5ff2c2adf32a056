using System.Globalization;
using System.Text;

namespace FastIova.KernelTraces;

/// <summary>What a call answered, as a list of named values in the order in which the recorder writes them.</summary>
internal sealed class TraceAnswer
{
    // What a call returned that made a file: its number depends on what else is open.
    private const string File = "FD";

    private readonly List<KeyValuePair<string, string>> _values = [];

    internal IReadOnlyList<KeyValuePair<string, string>> Values => _values;

    /// <summary>Reads an answer and gives every value the form that its name demands, so that a wrong reading shows.</summary>
    /// <exception cref="FormatException">A value has another form.</exception>
    internal static TraceAnswer Parse(TraceOp op, string text)
    {
        var answer = new TraceAnswer();
        foreach (string word in text.Split(' '))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                throw new FormatException($"\"{word}\" is no named value.");
            }

            string name = word[..equals];
            answer.Add(name, Reprint(op, name, word[(equals + 1)..]));
        }

        return answer;
    }

    internal void Add(string name, string value) => _values.Add(new(name, value));

    internal void AddResult(long result)
    {
        Add("ret", (result < 0 ? -1 : result).ToString(CultureInfo.InvariantCulture));
        Add("errno", TraceErrno.Name(result < 0 ? (int)-result : 0));
    }

    /// <summary>The call returned a file descriptor, which has this logical number now.</summary>
    internal void AddFile(uint logical)
    {
        Add("ret", File);
        Add("errno", TraceErrno.Name(0));
        Add("newfd", TraceNumber.Print(FieldKind.Number, logical));
    }

    internal void AddField(TraceField field, ulong value) => Add(field.OutputName, TraceNumber.Print(field.Kind, value));

    internal void AddWords(string name, ReadOnlySpan<ulong> words) => Add(name, TraceNumber.PrintWords(words));

    internal void AddByte(string name, int offset, byte value) =>
        Add(string.Create(CultureInfo.InvariantCulture, $"{name}@{offset}"), value.ToString("x2", CultureInfo.InvariantCulture));

    public override string ToString()
    {
        var text = new StringBuilder(128);
        foreach ((string name, string value) in _values)
        {
            text.Append(text.Length == 0 ? string.Empty : " ").Append(name).Append('=').Append(value);
        }

        return text.ToString();
    }

    private static string Reprint(TraceOp op, string name, string value)
    {
        switch (name)
        {
            case "ret" when op.ReturnsFile && string.Equals(value, File, StringComparison.Ordinal):
                return value;
            case "ret":
                return long.Parse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
            case "errno":
                return TraceErrno.Name(TraceErrno.Number(value));
            case "size_out":
                return ((uint)TraceNumber.Parse(value)).ToString(CultureInfo.InvariantCulture);
            case "dout" or "dhash" or "hash":
                return TraceNumber.PrintWords(TraceNumber.ParseWords(value));
            case "revents" or "newfd" or "map":
                return TraceNumber.Print(FieldKind.Number, TraceNumber.Parse(value));
        }

        if (name.StartsWith("XTRA@", StringComparison.Ordinal) || name.StartsWith("OVERRUN@", StringComparison.Ordinal))
        {
            return byte.Parse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture).ToString("x2", CultureInfo.InvariantCulture);
        }

        TraceField field = op.Output(name) ?? throw new FormatException($"{op.Name} has no output \"{name}\".");
        return TraceNumber.Print(field.Kind, TraceNumber.Parse(value));
    }
}
