using FastIova.Tests.Litmus;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>The promise across PASIDs: when a replacement has returned, nothing uses the old page table.</summary>
/// <remarks>
/// Each PASID of each device goes through numbered states, one after the other; a state is an hwpt or none, and each hwpt has its
/// own page. A reader that is still in the scope in which it translated looks how many replacements have returned by then: its
/// page must be that of the last state, or of the one that is being made.
/// </remarks>
[Collection(nameof(LitmusTests))]
public sealed unsafe class PasidRaceTests : IDisposable
{
    private const int Devices = 8;
    private const int Pasids = 64;
    private const int Hwpts = 16;
    private const int Bytes = 4096;
    private const ulong Iova = 0x10_0000;

    private readonly Engine _engine = new();
    private readonly UserPages _pages = new(Hwpts);
    private readonly DmaPort[] _ports;
    private readonly int[,] _states = new int[Devices, Pasids];
    private readonly ManualResetEventSlim _seen = new();
    private bool _over;
    private string? _violation;
    private long _translations;
    private long _faults;
    private long _moves;

    public PasidRaceTests() =>
        _ports = [.. Enumerable.Range(0, Devices).Select(d => _engine.Iommu.OpenPort(new DmaPortOptions { Name = $"device {d}", Kind = d % 2 == 0 ? ReaderKind.Batch : ReaderKind.SingleShot }))];

    public void Dispose()
    {
        foreach (DmaPort port in _ports)
        {
            port.Dispose();
        }

        _engine.Dispose();
        _pages.Dispose();
        _seen.Dispose();
    }

    [Fact]
    public void NothingUsesWhatAReplacementTookAway()
    {
        using IommufdContext context = _engine.OpenIommufd();
        IommufdDevice[] devices = [.. _ports.Select(port => context.Bind(port, new DeviceOptions { PasidLog2 = 20 }))];
        HwptId[] hwpts = [.. Enumerable.Range(0, Hwpts).Select(i =>
        {
            IoasId ioas = context.AllocateIoas();
            context.MapAt(ioas, Iova, (nuint)(_pages.Address + ((ulong)i * Bytes)), Bytes, Permission.ReadWrite);
            return context.AllocateHwpt(ioas, devices[0], forPasids: true);
        })];
        Race(() => _translations > 100_000 && _faults > 1000 && _moves > 1000, (device, pasid, hwpt, returned) =>
        {
            if (hwpt < 0)
            {
                devices[device].DetachPasid(PasidOf(device, pasid));
            }
            else
            {
                devices[device].AttachPasid(hwpts[hwpt], PasidOf(device, pasid));
            }

            returned();
        });
        Assert.True(_violation is null, _violation);
        Assert.True(_translations > 100_000 && _faults > 1000 && _moves > 1000, $"{_translations} translations, {_faults} faults, {_moves} moves: this was no race");
        foreach (IommufdDevice device in devices)
        {
            device.Dispose();
        }

        foreach (HwptId hwpt in hwpts)
        {
            context.Destroy(hwpt);
        }
    }

    [Fact]
    public void AReplacementThatReturnsBeforeItWaitedIsCaught()
    {
        Domain[] domains = [.. Enumerable.Range(0, Hwpts).Select(_ => _engine.Iommu.CreateDomain())];
        for (int i = 0; i < Hwpts; i++)
        {
            domains[i].Map(Iova, (nuint)(_pages.Address + ((ulong)i * Bytes)), Bytes, Permission.ReadWrite);
        }

        Race(() => false, (device, pasid, hwpt, returned) =>
        {
            bool replaces = _ports[device].Announce(PasidOf(device, pasid), hwpt < 0 ? null : domains[hwpt], out (Translator Loop, Domain Domain) old);
            returned();
            if (replaces)
            {
                _ports[device].Conclude(old);
            }
        });
        Assert.True(_violation is not null, $"{_translations} translations and {_moves} broken moves went unnoticed: the other test proves nothing");
        for (int device = 0; device < Devices; device++)
        {
            for (int pasid = 0; pasid < Pasids; pasid++)
            {
                _ports[device].Detach(PasidOf(device, pasid));
            }
        }

        Array.ForEach(domains, domain => domain.Dispose());
    }

    // Neighbours, and numbers that lie in other leaves of the table.
    private static uint PasidOf(int device, int pasid) => (uint)(1 + pasid + (pasid % 3 == 0 ? 0x1_0000 * (device + 1) : 0));

    private static int HwptOf(int state) => state % 7 == 0 ? -1 : state % Hwpts;

    // Some seconds at least; until enough has happened, however busy the machine; at most a minute.
    private void Race(Func<bool> isEnough, Action<int, int, int, Action> move)
    {
        var threads = new List<Thread>();
        for (int half = 0; half < 2; half++)
        {
            int mine = half;
            threads.Add(new Thread(() => Read(mine)));
            threads.Add(new Thread(() => Move(mine, move)));
        }

        threads.ForEach(thread => thread.Start());
        for (int seconds = 0; seconds < 60 && !_seen.Wait(TimeSpan.FromSeconds(1)) && !(seconds >= 3 && isEnough()); seconds++)
        {
        }

        Volatile.Write(ref _over, true);
        threads.ForEach(thread => thread.Join());
    }

    private void Move(int half, Action<int, int, int, Action> move)
    {
        var random = new Random(100 + half);
        while (!Volatile.Read(ref _over))
        {
            // The first PASIDs more often, so that readers meet them.
            int device = (random.Next(Devices / 2) * 2) + half;
            int pasid = random.Next(random.Next(Pasids) + 1);
            int state = _states[device, pasid] + 1;
            move(device, pasid, HwptOf(state), () => Volatile.Write(ref _states[device, pasid], state));
            Interlocked.Increment(ref _moves);
        }
    }

    private void Read(int half)
    {
        var random = new Random(200 + half);
        ulong[] iovas = new ulong[24];
        nuint[] hosts = new nuint[iovas.Length];
        Array.Fill(iovas, Iova + 8);
        while (!Volatile.Read(ref _over))
        {
            int device = (random.Next(Devices / 2) * 2) + (1 - half);
            int pasid = random.Next(random.Next(Pasids) + 1);
            using DmaScope scope = _ports[device].Enter();
            nuint host;
            if (random.Next(2) == 0)
            {
                _ = _ports[device].TryTranslate(Iova + 8, Permission.Read, PasidOf(device, pasid), out host);
            }
            else
            {
                _ = _ports[device].TranslateBatch(iovas, hosts, Permission.Read, out _, pasid: PasidOf(device, pasid));
                host = hosts[^1];
            }

            Thread.SpinWait(random.Next(60));
            int state = Volatile.Read(ref _states[device, pasid]);
            int hwpt = host == 0 ? -1 : (int)((host - (nuint)_pages.Address) / Bytes);

            // Attaching what was not attached waits for nobody: a fault may be of the state before.
            if (hwpt != HwptOf(state) && hwpt != HwptOf(state + 1) && !(hwpt < 0 && state > 0 && HwptOf(state - 1) < 0))
            {
                _violation ??= $"Device {device}, PASID {PasidOf(device, pasid)}: hwpt {hwpt} is still used after the replacement by {HwptOf(state)} returned (state {state})";
                Volatile.Write(ref _over, true);
                _seen.Set();
            }

            Interlocked.Increment(ref host == 0 ? ref _faults : ref _translations);
        }
    }
}
