using System.CommandLine;
using System.CommandLine.Parsing;

namespace FastIova.Cli;

/// <summary>The options that say what an engine is made of, for every command that hosts one.</summary>
internal sealed class EngineArguments
{
    private static readonly Dictionary<string, UapiLevel> Levels = new(StringComparer.Ordinal)
    {
        ["6.12"] = UapiLevel.Linux612,
        ["6.12-debian"] = UapiLevel.Linux612Backports,
        ["latest"] = UapiLevel.Latest,
    };

    private readonly Option<bool> _testBackend = new("--test-backend")
    {
        Description = "Offer IOMMU_TEST_CMD, the mock devices of the kernel's own tests, and the kernel's fault injection files.",
    };

    private readonly Option<string> _level = new("--uapi")
    {
        Description = $"Answer as this release of Linux: {string.Join(", ", Levels.Keys)}; 6.12-debian is 6.12 with what the tests in "
            + "Debian's source of it ask for besides.",
        HelpName = "RELEASE",
        DefaultValueFactory = _ => "latest",
    };

    private readonly Option<bool> _strict = new("--type1-strict")
    {
        Description = "Let /dev/vfio/vfio be VFIO's own container, with its type 1 mappings; without it /dev/vfio/vfio is an iommufd that answers the container's calls, as most kernels have it now.",
    };

    private readonly Option<string?> _log = new("--log")
    {
        Description = "Append what happens to this file, or with - to the standard error, one JSON object a line: defects of the engine, every access of a device that was refused, and of a service its clients. "
            + "Without it defects end the client that met them, silently.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _lockedMemory = new("--memlock")
    {
        Description = "How much programs may have locked by pins, in place of their own limit (ulimit -l): a size, for example 512M, or unlimited.",
        HelpName = "SIZE",
    };

    internal EngineArguments()
    {
        _level.Validators.Add(IsLevel);
        _lockedMemory.Validators.Add(IsLimit);
    }

    /// <summary>The options, to add to a command.</summary>
    internal IEnumerable<Option> All => [_testBackend, _level, _strict, _lockedMemory, _log];

    /// <summary>Whether any of them was given.</summary>
    internal bool AreGiven(ParseResult parsed) => All.Any(option => parsed.GetResult(option) is { Implicit: false });

    /// <summary>What they say.</summary>
    internal EngineOptions Options(ParseResult parsed) => new()
    {
        Level = Levels[parsed.GetValue(_level)!],
        TestBackend = parsed.GetValue(_testBackend),
        StrictType1 = parsed.GetValue(_strict),
        LockedMemoryBytes = parsed.GetValue(_lockedMemory) is { } limit && TryReadLimit(limit, out long bytes) ? bytes : null,
    };

    /// <summary>Where defects go.</summary>
    internal Action<Exception> Complaints(ParseResult parsed)
    {
        EventLog log = Log(parsed);
        return defect => log.Write(new DoorEvent(DoorEventKind.Defect, 0, 0, defect.ToString()));
    }

    /// <summary>Where events go that are to be kept; nowhere without a log.</summary>
    internal EventLog Log(ParseResult parsed, bool isLimited = false) => new(parsed.GetValue(_log), parsed.InvocationConfiguration.Error, isLimited);

    private static bool TryReadLimit(string text, out long bytes)
    {
        bool isSize = ByteSize.TryParse(text, long.MaxValue, out ulong size);
        bytes = isSize ? (long)size : long.MaxValue;
        return isSize || text is "unlimited";
    }

    private static void IsLimit(OptionResult option)
    {
        foreach (Token token in option.Tokens.Where(token => !TryReadLimit(token.Value, out _)))
        {
            option.AddError($"--memlock '{token.Value}' is no size: give a number of bytes, with K, M, G or T behind it, or unlimited.");
        }
    }

    private static void IsLevel(OptionResult option)
    {
        foreach (Token token in option.Tokens)
        {
            if (!Levels.ContainsKey(token.Value))
            {
                option.AddError($"--uapi '{token.Value}' is no release that is known here: give one of {string.Join(", ", Levels.Keys)}.");
            }
        }
    }
}
