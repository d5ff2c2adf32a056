namespace FastIova.Cli;

/// <summary>Ioctls: made in the process of the engine, and by a program that knows nothing of it, through the shim and back.</summary>
internal sealed class IoctlSuite : ISuite
{
    private const string ShimRoundTrip = "ioctl/shim-roundtrip";
    private const double PairTargetNs = 25_000;
    private const string MapUnmap = "ioctl/map-unmap-4K";
    private const string MapGiB = "ioctl/map-1GiB";
    private const string MapFileGiB = "ioctl/map-file-1GiB";
    private const string CopyGiB = "ioctl/copy-1GiB";
    private const string AttachDetach = "ioctl/attach-detach";

    public string Name => "ioctl";

    public void Run(BenchRun run)
    {
        if (run.Wants(MapUnmap) || run.Wants(MapGiB) || run.Wants(MapFileGiB) || run.Wants(CopyGiB) || run.Wants(AttachDetach))
        {
            run.Step("MAP, MAP_FILE, UNMAP and COPY in the process");
            InProcess(run);
        }

        if (run.Wants(ShimRoundTrip))
        {
            ThroughTheShim(run);
        }
    }

    private static void InProcess(BenchRun run)
    {
        using var calls = new IoasCalls();
        if (run.Wants(MapUnmap))
        {
            int pairs = run.Quick ? 20_000 : 200_000;
            Timing[] small = Measure.Interleaved(run.Reps, () => calls.MapUnmap(pairs), () => calls.BareMapUnmap(pairs));
            run.Add(Figure.From(
                MapUnmap,
                small[0],
                small[1],
                150,
                TargetUnit.Nanoseconds,
                "per pair of MAP and UNMAP of 4 KiB of registered memory with a device attached; the bound is the page table alone, with its lock and its grace period"));
        }

        if (run.Wants(AttachDetach))
        {
            int pairs = run.Quick ? 2_000 : 20_000;
            Timing[] pair = Measure.Interleaved(run.Reps, () => calls.AttachDetach(pairs), () => calls.BareAttachDetach(pairs));
            run.Add(Figure.From(
                AttachDetach,
                pair[0],
                pair[1],
                null,
                TargetUnit.Nanoseconds,
                "per pair of detaching a device and attaching it to an hwpt again; the bound is the port alone, with its grace period"));
        }

        GiB(run, MapGiB, calls.MapGiB, calls.BareMapGiB, "memory that was touched before, 4 KiB entries; the bound is the fill of the page table");
        GiB(run, MapFileGiB, calls.MapFileGiB, calls.BareMapGiB, "a memory file that was touched before, 4 KiB entries; the engine finds and maps the file each time; the bound is the fill of the page table");
        GiB(run, CopyGiB, calls.CopyGiB, calls.BareMapGiB, "from one ioas with a device to another; the bound is the fill of the page table; nothing is pinned again");
    }

    private static void GiB(BenchRun run, string name, Func<double> lap, Func<double> fill, string note)
    {
        if (run.Wants(name))
        {
            Timing[] timings = Measure.Interleaved(run.Reps, lap, fill);
            run.Add(Figure.From(name, timings[0], timings[1], 2, TargetUnit.Ratio, note));
        }
    }

    private static void ThroughTheShim(BenchRun run)
    {
        run.Step("MAP and UNMAP of a page through the shim");
        var options = new EngineOptions();
        using var engine = new Engine(options);
        Exception? defect = null;
        using var door = new ProgramDoor(new DeviceNodes(engine).Open, options, socket: null, thrown => defect = thrown);
        int pairs = run.Quick ? 500 : 5000;
        using var mapping = new RoundTripProgram("map", pairs, door.Variable);
        using var bare = new RoundTripProgram("bare", pairs, door: null);
        Timing[] timings = Measure.Interleaved(run.Reps, mapping.Lap, bare.Lap);
        if (defect is not null)
        {
            throw new BenchFailureException($"{ShimRoundTrip}: the engine failed: {defect}");
        }

        run.Add(Figure.From(
            ShimRoundTrip,
            timings[0],
            timings[1],
            PairTargetNs,
            TargetUnit.Nanoseconds,
            "per pair of MAP and UNMAP of 4 KiB of shared memory; the bound is two messages to another process and back"));
    }
}
