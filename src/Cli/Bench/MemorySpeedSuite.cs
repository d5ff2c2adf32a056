namespace FastIova.Cli;

/// <summary>What this machine's memory can do at best: the ground on which all other figures stand.</summary>
internal sealed class MemorySpeedSuite : ISuite
{
    private const string RandomLoadId = "machine/random-load/16MiB";
    private const string CopyId = "machine/copy/512KiB";
    private const int LineWords = 8;

    public string Name => "machine";

    public void Run(BenchRun run)
    {
        if (run.Wants(RandomLoadId))
        {
            run.Step("random 8-byte loads over 16 MiB");
            run.Add(RandomLoad(run));
        }

        if (run.Wants(CopyId))
        {
            run.Step("copying 512 KiB");
            run.Add(Copy(run));
        }
    }

    private static Figure RandomLoad(BenchRun run)
    {
        const uint AreaBytes = 16 << 20;
        const uint Lines = AreaBytes / 64;
        ulong[] words = new ulong[run.Quick ? 1 << 18 : 1 << 22];
        var random = new Random(16);
        foreach (ref ulong word in words.AsSpan())
        {
            word = (ulong)random.Next((int)Lines) * LineWords;
        }

        using var loads = RandomLoads.Over(AreaBytes, words);
        string[] names = ["naive", "eight-wide", "two-phase prefetch", "look-ahead prefetch"];
        Timing[] ways = Measure.Interleaved(
            run.Reps,
            new Contender($"{RandomLoadId}, {names[0]}", words.Length, loads.Naive) { Expected = loads.Expected },
            new Contender($"{RandomLoadId}, {names[1]}", words.Length, loads.EightWide) { Expected = loads.Expected },
            new Contender($"{RandomLoadId}, {names[2]}", words.Length, loads.TwoPhase) { Expected = loads.Expected },
            new Contender($"{RandomLoadId}, {names[3]}", words.Length, loads.LookAhead) { Expected = loads.Expected });
        Timing fastest = Timing.Fastest(ways);
        return Figure.From(RandomLoadId, fastest, note: $"per load; the fastest of {ways.Length} ways: {names[Array.IndexOf(ways, fastest)]}");
    }

    private static Figure Copy(BenchRun run)
    {
        const int WindowBytes = 512 << 10;
        int copies = run.Quick ? 64 : 1024;
        byte[] source = new byte[WindowBytes];
        byte[] target = new byte[WindowBytes];
        new Random(512).NextBytes(source);
        var copy = new Contender(CopyId, (long)copies * WindowBytes / sizeof(ulong), () =>
        {
            for (int i = 0; i < copies; i++)
            {
                source.CopyTo(target.AsSpan());
            }

            return target[^1];
        })
        {
            Expected = source[^1],
        };
        Timing timing = Measure.Interleaved(run.Reps, copy)[0];
        if (!source.AsSpan().SequenceEqual(target))
        {
            throw new BenchFailureException($"{CopyId}: the copy differs from its source: the memory or the compiler of this machine is broken.");
        }

        return Figure.From(CopyId, timing, note: "per 8-byte word");
    }
}
