using System.Globalization;

namespace FastIova.Cli;

/// <summary>A figure whose slowness is known: what shows that a comparison finds what is there, and nothing else.</summary>
/// <remarks>
/// It measures nothing of the engine, and exists only where the environment asks for it. Its work is a chain of additions and loads,
/// and of <c>FASTIOVA_PLANTED</c> per cent more of them; 0 plants nothing.
/// </remarks>
internal sealed class PlantedSuite : ISuite
{
    /// <summary>The variable with the per cent.</summary>
    internal const string Variable = "FASTIOVA_PLANTED";

    private const string BoundedId = "planted/bounded";
    private const string UnboundedId = "planted/unbounded";
    private const int Words = 1 << 12;

    // Short enough for one repetition to pass without a neighbour, and repeated often for that.
    private const int Passes = 100;
    private const int RepsFactor = 20;

    private readonly int _percent;

    private PlantedSuite(int percent) => _percent = percent;

    public string Name => "planted";

    /// <summary>The suite that the environment asks for; none for users.</summary>
    internal static IEnumerable<ISuite> Asked() =>
        int.TryParse(Environment.GetEnvironmentVariable(Variable), NumberStyles.None, CultureInfo.InvariantCulture, out int percent) ? [new PlantedSuite(percent)] : [];

    public void Run(BenchRun run)
    {
        bool bounded = run.Wants(BoundedId);
        bool unbounded = run.Wants(UnboundedId);
        if (!bounded && !unbounded)
        {
            return;
        }

        run.Step("work of a known length");
        ulong[] words = new ulong[Words];
        var random = new Random(Words);
        foreach (ref ulong word in words.AsSpan())
        {
            word = (ulong)random.Next(Words);
        }

        const long Operations = (long)Passes * Words;
        Timing[] timings = Measure.Interleaved(
            run.Reps * RepsFactor,
            new Contender(BoundedId, Operations, () => Follow(words, Passes + (Passes * _percent / 100))),
            new Contender("the work as it should be", Operations, () => Follow(words, Passes)));
        if (bounded)
        {
            run.Add(Figure.From(BoundedId, timings[0], timings[1], note: "work of a known length; bound: the same without what was planted"));
        }

        if (unbounded)
        {
            run.Add(Figure.From(UnboundedId, timings[0], note: "work of a known length, without a bound"));
        }
    }

    private static ulong Follow(ulong[] words, int passes)
    {
        ulong sum = 0;
        for (int pass = 0; pass < passes; pass++)
        {
            foreach (ulong word in words)
            {
                sum = (sum ^ word) + (sum >> 7);
            }
        }

        return sum;
    }
}
