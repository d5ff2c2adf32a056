using System.CommandLine;
using System.Diagnostics.CodeAnalysis;

namespace FastIova.Cli;

/// <summary>The devices of an engine that hosts programs, and the files by which programs find them.</summary>
/// <remarks>Owns: both. Teardown: after the door, before the engine; never fails.</remarks>
internal sealed class EngineViews : IDisposable
{
    private readonly ViewFolder? _folder;
    private readonly FaultLog _faults;

    private EngineViews(VfioTopology? topology, ViewFolder? folder, FaultLog faults)
    {
        Topology = topology;
        _folder = folder;
        _faults = faults;
    }

    /// <summary>The devices; null without any.</summary>
    internal VfioTopology? Topology { get; }

    /// <summary>The folder of the files; null without any.</summary>
    internal string? Root => _folder?.Root;

    /// <summary>Makes what the command line asks for.</summary>
    /// <returns>False when it asks for something that cannot be; that is said already.</returns>
    internal static bool TryMake(ParseResult parsed, Engine engine, EngineArguments arguments, DeviceArguments devices, [NotNullWhen(true)] out EngineViews? made)
    {
        TextWriter error = parsed.InvocationConfiguration.Error;
        var faults = new FaultLog(error, arguments.Log(parsed));
        VfioTopology? topology;
        made = null;
        try
        {
            topology = devices.Devices(parsed, engine, faults.Add);
        }
        catch (Exception wrong) when (wrong is ArgumentException or FormatException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"fastiova: {wrong.Message}");
            return false;
        }

        ViewFolder? folder = topology is not null || engine.Options.TestBackend ? new ViewFolder() : null;
        if (engine.Options.TestBackend)
        {
            FaultInjectionView.Fill(folder!);
        }

        if (topology is not null)
        {
            DeviceView.Fill(folder!, topology);
        }

        made = new EngineViews(topology, folder, faults);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _folder?.Dispose();
        Topology?.Dispose();
        _faults.Close();
    }
}
