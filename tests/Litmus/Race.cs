using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FastIova.Litmus;

/// <summary>The race itself, in a process of its own, which may not survive it. Says on its output what it counted and what it saw.</summary>
internal static class Race
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromMilliseconds(200);

    // How often a reader's thread gives a turn to each behaviour, and a writer's.
    private static readonly int[] ReaderWeights = [4, 4, 1, 3, 2];
    private static readonly int[] WriterWeights = [16, 2, 2, 2, 1];

    internal static int Run(RaceTerms terms, TextWriter output)
    {
        LeaveNoCore();
        using var world = new World(terms.Flaw, terms.Cast);
        var tallies = new List<Tally>();
        var threads = new List<Thread>();
        using var rival = new Rival(world, NewTally(tallies));
        if (terms.Cast == Cast.Duel)
        {
            Tally reader = NewTally(tallies);
            Tally writer = NewTally(tallies);
            int[] processors = Affinity.Allowed();
            DmaPort port = world.OpenPort("duel", ReaderKind.Batch);
            var random = new Random(terms.Seed);
            Actor device = terms.Flaw == Flaw.SkipProtectFlush ? new DeviceWriter(world, reader, random, port) : new SingleReader(world, reader, random, port);
            threads.Add(Start("reader", world, [device], [1], terms.Seed, processors[0]));
            threads.Add(Start("writer", world, [new SiteWriter(world, writer, new Random(terms.Seed + 1), world.Small)], [1], terms.Seed, processors[^1]));
        }
        else
        {
            int readers = Math.Clamp(Environment.ProcessorCount, 2, 8);
            for (int i = 0; i < readers; i++)
            {
                ReaderKind kind = terms.Cast == Cast.Mixed && (i & 1) == 0 ? ReaderKind.SingleShot : ReaderKind.Batch;
                threads.Add(Start($"reader {i}", world, Readers(world, NewTally(tallies), terms.Seed + i, kind), ReaderWeights, terms.Seed + i));
            }

            threads.Add(Start("writer", world, Writers(world, NewTally(tallies), terms.Seed + 100), WriterWeights, terms.Seed + 100));
            Tally swapper = NewTally(tallies);
            threads.Add(Start("swapper", world, [new SwapWriter(world, swapper, new Random(terms.Seed + 101), world.Swapped[0], rival)], [1], terms.Seed));
            var third = new Thread(rival.Run) { Name = "rival" };
            third.Start();
            threads.Add(third);
        }

        long start = Stopwatch.GetTimestamp();
        using var tick = new ManualResetEventSlim(false);
        while (!world.IsOver && !IsOver(terms, Stopwatch.GetElapsedTime(start), world, tallies))
        {
            _ = tick.Wait(TellEvery);
            Tell(output, world, tallies);
        }

        world.End();
        threads.ForEach(thread => thread.Join());
        if (terms.Flaw == Flaw.None && world.Violation is null)
        {
            world.Settle();
        }

        Tell(output, world, tallies);
        if (world.Violation is { } violation)
        {
            output.WriteLine($"{RaceOutput.ViolationWord} {violation}");
            output.Flush();
        }

        if (world.Violation is not null || terms.Flaw != Flaw.None)
        {
            // A world in which the promise is broken is not taken down in order; the process ends.
            Environment.Exit(world.Violation is null ? ExitCode.Proved : ExitCode.Violation);
        }

        return ExitCode.Proved;
    }

    private static Tally NewTally(List<Tally> tallies)
    {
        var tally = new Tally();
        tallies.Add(tally);
        return tally;
    }

    private static Actor[] Readers(World world, Tally tally, int seed, ReaderKind kind)
    {
        var random = new Random(seed);
        DmaPort port = world.OpenPort($"reader {seed}", kind);
        return
        [
            new SingleReader(world, tally, random, port),
            new BatchReader(world, tally, random, port),
            new LongScopeReader(world, tally, random, port),
            new DeviceWriter(world, tally, random, port),
            new RangeReader(world, tally, random, port),
        ];
    }

    private static Actor[] Writers(World world, Tally tally, int seed)
    {
        var random = new Random(seed);
        return
        [
            new SiteWriter(world, tally, random, world.Small),
            new SiteWriter(world, tally, random, world.Large),
            new SiteWriter(world, tally, random, world.Huge),
            new BatchWriter(world, tally, random, world.Batched),
            new Housekeeper(world, tally, random),
        ];
    }

    private static Thread Start(string name, World world, Actor[] actors, int[] weights, int seed, int processor = -1)
    {
        int[] turns = [.. weights.SelectMany((weight, actor) => Enumerable.Repeat(actor, weight))];
        var random = new Random(~seed);
        var thread = new Thread(() =>
        {
            // The parties of a duel must run at the same time: each has a processor to itself and does not give it away.
            bool bound = processor >= 0 && Affinity.Bind(processor);
            while (!world.IsOver)
            {
                actors[turns[random.Next(turns.Length)]].Turn();

                // Few processors: whoever waits for this thread to leave its scope gets one between the turns.
                _ = !bound && Thread.Yield();
            }
        })
        { Name = name };
        thread.Start();
        return thread;
    }

    // On a busy machine a short race may end before everybody had a turn: it goes on until they had, or takes so long that something is wrong.
    private static bool IsOver(RaceTerms terms, TimeSpan raced, World world, List<Tally> tallies) =>
        raced >= terms.Longest || (raced >= terms.Time && Tally.Certain.All(what => Sum(what, world, tallies) != 0));

    private static long Sum(Count what, World world, List<Tally> tallies) =>
        what == Count.Invalidations ? (long)world.Invalidations : tallies.Sum(tally => tally.Of(what));

    private static void Tell(TextWriter output, World world, List<Tally> tallies)
    {
        foreach (Count what in Tally.All)
        {
            output.WriteLine($"{RaceOutput.TallyWord} {what} {Sum(what, world, tallies)}");
        }

        output.Flush();
    }

    // The process reserves more than a tebibyte; a crash, which is one of its verdicts, must not write that to a disk.
    private static void LeaveNoCore()
    {
        const int setDumpable = 4;
        int prctl = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 157 : 167;
        _ = Libc.SystemCall(prctl, setDumpable, 0, 0, 0, 0, 0);
    }
}
