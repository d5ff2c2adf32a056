using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace FastIova.Cli;

/// <summary>What happened, one JSON object a line: time, level, event, and what belongs to it.</summary>
/// <remarks>
/// <para>Owns: nothing; each line opens the file, so that whoever rotates it need tell nobody.</para>
/// <para>Threads: any; lines are whole. A line that cannot be written is lost, and stops nothing. Where lines are limited, the next one after
/// those that were left out says how many they were.</para>
/// </remarks>
/// <param name="path">The file; "-" for the standard error, null for nowhere.</param>
/// <param name="error">The standard error.</param>
/// <param name="isLimited">Whether there are so many lines of what clients cause and no more.</param>
internal sealed class EventLog(string? path, TextWriter error, bool isLimited = false)
{
    private const int LinesAtOnce = 2000;
    private const double LinesPerSecond = 100;

    private readonly Lock _writing = new();
    private double _room = LinesAtOnce;
    private long _roomAt = Stopwatch.GetTimestamp();
    private long _leftOut;

    /// <summary>Writes a line about the service itself.</summary>
    /// <param name="level">How bad it is: <c>info</c>, <c>warning</c> or <c>error</c>.</param>
    /// <param name="name">What happened.</param>
    /// <param name="facts">What belongs to it: texts and whole numbers.</param>
    internal void Write(string level, string name, params ReadOnlySpan<(string Key, object Value)> facts)
    {
        if (path is not null)
        {
            WriteLine(isOfClient: false, level, name, facts);
        }
    }

    /// <summary>Writes a line about what a client has caused, unless there were too many of them.</summary>
    /// <inheritdoc cref="Write(string, string, ReadOnlySpan{ValueTuple{string, object}})"/>
    internal void WriteOfClient(string level, string name, params ReadOnlySpan<(string Key, object Value)> facts)
    {
        if (path is not null)
        {
            WriteLine(isOfClient: true, level, name, facts);
        }
    }

    private void WriteLine(bool isOfClient, string level, string name, ReadOnlySpan<(string Key, object Value)> facts)
    {
        lock (_writing)
        {
            if (isOfClient && isLimited && !HasRoom())
            {
                _leftOut++;
                return;
            }

            if (_leftOut != 0)
            {
                Append("warning", "left-out", [("lines", _leftOut)]);
                _leftOut = 0;
            }

            Append(level, name, facts);
        }
    }

    private bool HasRoom()
    {
        long now = Stopwatch.GetTimestamp();
        _room = Math.Min(LinesAtOnce, _room + (Stopwatch.GetElapsedTime(_roomAt, now).TotalSeconds * LinesPerSecond));
        _roomAt = now;
        if (_room < 1)
        {
            return false;
        }

        _room--;
        return true;
    }

    private void Append(string level, string name, ReadOnlySpan<(string Key, object Value)> facts)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("time", DateTimeOffset.UtcNow);
            json.WriteString("level", level);
            json.WriteString("event", name);
            foreach ((string key, object value) in facts)
            {
                if (value is string text)
                {
                    json.WriteString(key, text);
                }
                else
                {
                    json.WriteNumber(key, Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                }
            }

            json.WriteEndObject();
        }

        line.WriteByte((byte)'\n');
        try
        {
            if (path is "-")
            {
                error.Write(Encoding.UTF8.GetString(line.ToArray()));
            }
            else
            {
                using var file = new FileStream(path!, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
                line.WriteTo(file);
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // A full disk is no reason to end the engine.
        }
    }

    /// <summary>Writes what happened at a door.</summary>
    internal void Write(DoorEvent happened)
    {
        string level = happened.Kind switch { DoorEventKind.Defect => "error", DoorEventKind.Refused or DoorEventKind.Disconnected => "warning", _ => "info" };
        string name = happened.Kind switch
        {
            DoorEventKind.Welcomed => "client-welcomed",
            DoorEventKind.Refused => "client-refused",
            DoorEventKind.Left => "client-left",
            DoorEventKind.Disconnected => "client-disconnected",
            _ => "defect",
        };
        if (happened.Kind == DoorEventKind.Defect)
        {
            WriteOfClient(level, name, ("message", happened.Text));
        }
        else
        {
            WriteOfClient(level, name, ("process", happened.Process), ("user", happened.User));
        }
    }
}
