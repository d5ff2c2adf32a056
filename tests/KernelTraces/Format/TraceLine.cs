using System.Globalization;
using System.Text;

namespace FastIova.KernelTraces;

/// <summary>One line of a trace: an operation with its inputs, and the kernel's answer.</summary>
internal sealed class TraceLine
{
    private const string Arrow = " -> ";
    private const string DroppedFile = "ret=0 errno=OK newfd=";
    private const string ReturnedFile = "ret=FD errno=OK newfd=";

    private readonly bool[] _isPresent;

    private TraceLine(int index, TraceOp op)
    {
        Index = index;
        Op = op;
        Values = new ulong[op.Fields.Length];
        _isPresent = new bool[op.Fields.Length];
        StructSize = (ulong)op.StructBytes;
    }

    /// <summary>The position in the trace; files and objects are called by it.</summary>
    internal int Index { get; }

    internal TraceOp Op { get; }

    /// <summary>What the first word of the struct says.</summary>
    internal ulong StructSize { get; private set; }

    /// <summary>Where the struct lies: 0 well, 1 null, 2 nowhere, 3 its second half is missing.</summary>
    internal uint PointerMode { get; private set; }

    /// <summary>The last byte of a struct that is larger than the kernel's.</summary>
    internal byte Tail { get; private set; }

    /// <summary>The value of each field of the operation; zero where the line names none.</summary>
    internal ulong[] Values { get; }

    /// <summary>Words in the scratch buffer before the call.</summary>
    internal ulong[] Input { get; private set; } = [];

    /// <summary>What follows the arrow.</summary>
    internal string Answer { get; private set; } = string.Empty;

    /// <summary>What is to be answered. It is <see cref="Answer"/> but for one bug of 7.3: a call drops the descriptor that it should return.</summary>
    internal string Expected => Op.ReturnsFile && Answer.StartsWith(DroppedFile, StringComparison.Ordinal)
        ? string.Concat(ReturnedFile, Answer.AsSpan(DroppedFile.Length))
        : Answer;

    internal ulong this[string field] => Values[Op.IndexOf(field)];

    /// <summary>Reads a line.</summary>
    /// <exception cref="FormatException">It is no line of a trace; the message says why.</exception>
    internal static TraceLine Parse(string text)
    {
        int arrow = text.IndexOf(Arrow, StringComparison.Ordinal);
        if (arrow < 0)
        {
            throw new FormatException($"No arrow in \"{text}\".");
        }

        string[] words = text[..arrow].Split(' ');
        if (words.Length < 2 || !int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            throw new FormatException($"No index and operation in \"{text}\".");
        }

        if (!TraceOps.ByName.TryGetValue(words[1], out TraceOp? op))
        {
            throw new FormatException($"Operation \"{words[1]}\" is unknown: a newer trace needs a new row of the table.");
        }

        var line = new TraceLine(index, op) { Answer = text[(arrow + Arrow.Length)..] };
        foreach (string word in words.AsSpan(2))
        {
            line.ParseInput(word);
        }

        return line;
    }

    /// <summary>The inputs and the arrow, as the recorder writes them.</summary>
    internal string PrintInputs()
    {
        var text = new StringBuilder(256);
        text.Append(CultureInfo.InvariantCulture, $"{Index} {Op.Name}");
        if (Op.HasStruct)
        {
            text.Append(CultureInfo.InvariantCulture, $" size={StructSize} pm={PointerMode} tail={Tail}");
        }

        for (int i = 0; i < Values.Length; i++)
        {
            if (_isPresent[i])
            {
                text.Append(' ').Append(Op.Fields[i].Name).Append('=').Append(TraceNumber.Print(Op.Fields[i].Kind, Values[i]));
            }
        }

        if (Input.Length != 0)
        {
            text.Append(" din=").Append(TraceNumber.PrintWords(Input));
        }

        return text.Append(Arrow).ToString();
    }

    private void ParseInput(string word)
    {
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? word : word[..equals];
        string value = equals < 0 ? string.Empty : word[(equals + 1)..];
        switch (name)
        {
            case "size" when Op.HasStruct:
                StructSize = TraceNumber.Parse(value);
                break;
            case "pm" when Op.HasStruct:
                PointerMode = (uint)TraceNumber.Parse(value);
                break;
            case "tail" when Op.HasStruct:
                Tail = (byte)TraceNumber.Parse(value);
                break;
            case "din":
                Input = TraceNumber.ParseWords(value);
                break;
            default:
                int field = Op.IndexOf(name);
                if (field < 0)
                {
                    throw new FormatException($"{Op.Name} has no field \"{name}\".");
                }

                Values[field] = TraceNumber.Parse(value);
                _isPresent[field] = true;
                break;
        }
    }
}
