using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FastIova.Cli;

/// <summary>The option that says what clients of a service may have.</summary>
internal sealed class LimitArguments
{
    private const string OfUser = "user-";
    private const int ProcessClients = 8;

    /// <summary>How often a second a client is refused before it waits, unless the option says something else.</summary>
    internal const int RefusalsDefault = 100;

    // What a program with some devices needs many times over, and a machine still has.
    private static readonly Dictionary<string, long> Defaults = new(StringComparer.Ordinal)
    {
        ["files"] = 1024,
        ["objects"] = 65_536,
        ["mappings"] = 1 << 20,
        ["pinned"] = long.MaxValue,
        ["rings"] = 64,
        ["refusals"] = RefusalsDefault,
        [OfUser + "clients"] = 256,
        [OfUser + "calls"] = 1024,
        [OfUser + "files"] = 8192,
        [OfUser + "objects"] = 1 << 18,
        [OfUser + "mappings"] = 1 << 22,
        [OfUser + "pinned"] = long.MaxValue,
        [OfUser + "rings"] = 512,
    };

    private readonly Option<string[]> _limits = new("--limit")
    {
        Description = "What a client may have, or all clients of a user: " + string.Join(", ", Defaults.Keys)
            + ". Repeat it for more. Beyond its clients, files and rings a program gets EMFILE, beyond the others ENOMEM. refusals is how often a second a program is told no in the long run before the answers wait, while others are there. pinned takes bytes, or K, M, G, T; 'none' lifts a limit.",
        HelpName = "WHAT=NUMBER",
        Arity = ArgumentArity.ZeroOrMore,
    };

    internal LimitArguments() => _limits.Validators.Add(AreKnown);

    /// <summary>The option, to add to a command.</summary>
    internal Option Option => _limits;

    /// <summary>What it says.</summary>
    internal DoorLimits Limits(ParseResult parsed)
    {
        var given = new Dictionary<string, long>(Defaults, StringComparer.Ordinal);
        foreach (string text in parsed.GetValue(_limits) ?? [])
        {
            if (TryRead(text, out string what, out long number))
            {
                given[what] = number;
            }
        }

        return new DoorLimits { ProcessClients = ProcessClients, UserClients = given[OfUser + "clients"], UserCalls = given[OfUser + "calls"], Refusals = given["refusals"], Client = Share(given, string.Empty), User = Share(given, OfUser) };
    }

    private static DoorShare Share(Dictionary<string, long> given, string prefix) => new()
    {
        Files = given[prefix + "files"],
        Objects = given[prefix + "objects"],
        Mappings = given[prefix + "mappings"],
        Rings = given[prefix + "rings"],
        PinnedPages = given[prefix + "pinned"] == long.MaxValue ? long.MaxValue : given[prefix + "pinned"] / Environment.SystemPageSize,
    };

    private static void AreKnown(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            if (!TryRead(token.Value, out string what, out _))
            {
                option.AddError(Defaults.ContainsKey(what)
                    ? $"--limit '{token.Value}': give {what}=NUMBER, with K, M, G or T behind it where it is bytes, or {what}=none."
                    : $"--limit '{token.Value}': there is no limit of '{what}'; use {string.Join(", ", Defaults.Keys)}.");
            }
        }
    }

    private static bool TryRead(string text, out string what, out long number)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        what = equals < 0 ? text : text[..equals];
        number = long.MaxValue;
        if (equals < 0 || !Defaults.ContainsKey(what))
        {
            return false;
        }

        string value = text[(equals + 1)..];
        if (value is "none")
        {
            return true;
        }

        bool good = what.EndsWith("pinned", StringComparison.Ordinal)
            ? ByteSize.TryParse(value, long.MaxValue, out ulong bytes)
            : ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out bytes) && bytes <= long.MaxValue;
        number = (long)bytes;
        return good;
    }
}
