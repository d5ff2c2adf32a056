using System.Diagnostics;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>A door that shows devices, and a program that drives the first of them; each is behind an IOMMU of 48 bits, alone in its group.</summary>
internal sealed class VfioSite : IDisposable
{
    private readonly Lazy<string> _program;
    private readonly Engine _engine;
    private readonly VfioTopology _topology;
    private readonly ViewFolder _view = new();
    private readonly ProgramDoor _door;
    private readonly List<Exception> _defects = [];
    private readonly List<(PciAddress Device, Fault Fault)> _faults = [];

    /// <param name="program">The program.</param>
    /// <param name="models">The devices, one on each bus from 01 on.</param>
    internal VfioSite(Lazy<string> program, params IPciDeviceModel[] models)
        : this(program, new EngineOptions(), isNoIommu: false, models)
    {
    }

    /// <param name="program">The program.</param>
    /// <param name="options">What the engine is made of.</param>
    /// <param name="isNoIommu">Whether no IOMMU is before the devices.</param>
    /// <param name="models">The devices, one on each bus from 01 on.</param>
    internal VfioSite(Lazy<string> program, EngineOptions options, bool isNoIommu, params IPciDeviceModel[] models)
    {
        _program = program;
        _engine = new Engine(options);
        _topology = new VfioTopology(_engine);
        foreach (IPciDeviceModel model in models)
        {
            _topology.Add(group: null, model, new VfioDeviceOptions { Address = new PciAddress(0, (byte)(_topology.Devices.Count + 1), 0), IsNoIommu = isNoIommu, OnFault = Note });
        }

        DeviceView.Fill(_view, _topology);
        _door = new ProgramDoor(new DeviceNodes(_engine, _topology).Open, new EngineOptions(), socket: null, Complain) { ShowsDevices = true };
    }

    /// <summary>The devices.</summary>
    internal IReadOnlyList<VfioDevice> Devices => _topology.Devices;

    /// <summary>The device that the program drives.</summary>
    internal VfioDevice Device => _topology.Devices[0];

    /// <summary>The accesses that were refused, in their order.</summary>
    internal IReadOnlyList<(PciAddress Device, Fault Fault)> Faults
    {
        get
        {
            lock (_faults)
            {
                return [.. _faults];
            }
        }
    }

    /// <summary>Starts the program.</summary>
    internal Process Start(params string[] words) => Start(_program.Value, _door.Variable, _view.Root, words);

    /// <summary>Starts a program that comes through a door and sees a view.</summary>
    internal static Process Start(string program, string door, string view, params string[] words)
    {
        var start = new ProcessStartInfo(program, words) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment[DoorProtocol.Variable] = door;
        start.Environment[DoorProtocol.ViewVariable] = view;
        start.Environment["LD_PRELOAD"] = GuestProgram.ShimPath;
        return Process.Start(start)!;
    }

    /// <summary>Runs the program to its end, which must be a good one.</summary>
    internal void Run(params string[] words) => AssertGood(Start(words));

    /// <summary>Waits for the end of a program, which must be a good one.</summary>
    internal static void AssertGood(Process started)
    {
        using Process process = started;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }

    /// <summary>Nothing is left of any program: no client, no file, no mapping, no context, no pin, no attached device.</summary>
    internal void AssertIsClean()
    {
        DoorFuzzTests.AssertSettles(() => _door.ClientCount == 0 && _door.DrainingCount == 0, "clients");
        DoorFuzzTests.AssertSettles(() => _door.Files.Count == 0, "files");
        DoorFuzzTests.AssertSettles(() => _door.Files.Mappings.Count == 0, "mappings");
        DoorFuzzTests.AssertSettles(() => _engine.OpenContexts == 0, "contexts");
        DoorFuzzTests.AssertSettles(() => _door.Objects.Count == 0, "memory objects");
        DoorFuzzTests.AssertSettles(() => Devices.All(device => !device.IsOpenForGroup), "devices");
        Assert.Equal(0, _engine.Physical.Pages);
        Assert.Equal(0, _door.TallyOf(0).LockedPages);
        Assert.All(Devices, device =>
        {
            Assert.Null(device.Bound);
            Assert.False(device.Function.IsBusMaster);
            Assert.Equal(FaultReason.NotAttached, device.Function.Port.Explain(0, Permission.Read).Reason);
        });
        lock (_defects)
        {
            Assert.Empty(_defects);
        }
    }

    public void Dispose()
    {
        _door.Dispose();
        _view.Dispose();
        _topology.Dispose();
        _engine.Dispose();
    }

    private void Note(PciAddress device, Fault fault)
    {
        lock (_faults)
        {
            _faults.Add((device, fault));
        }
    }

    private void Complain(Exception defect)
    {
        lock (_defects)
        {
            _defects.Add(defect);
        }
    }
}
