using FastIova.Cli;

namespace FastIova.Tests.Bench;

/// <summary>A machine that is as unsteady as a shared one, without being one: its speed wanders, and processes are disturbed.</summary>
internal sealed class SyntheticMachine(Random random)
{
    private double _speed;

    internal Random Random { get; } = random;

    /// <summary>The factor on all times at this moment; it wanders by a few per cent from process to process, and jumps now and then.</summary>
    internal double Wander()
    {
        _speed = (0.9 * _speed) + (0.03 * Normal());
        _speed += Random.NextDouble() < 0.03 ? 0.3 * Random.NextDouble() : 0;
        return Math.Exp(_speed);
    }

    internal double Normal() => Math.Sqrt(-2 * Math.Log(1 - Random.NextDouble())) * Math.Cos(2 * Math.PI * Random.NextDouble());

    /// <summary>What a neighbour adds to the best of a process: nothing most of the time, up to four tenths in three of a hundred.</summary>
    internal double Disturbance() => Random.NextDouble() < 0.03 ? 1 + (0.4 * Random.NextDouble()) : 1;
}

/// <summary>A build whose figures are known, measured on a machine that hides them.</summary>
/// <param name="machine">The machine, shared with the other build.</param>
/// <param name="figures">How many figures it has.</param>
/// <param name="noise">How far a figure moves from process to process, as a standard deviation.</param>
/// <param name="slower">How much slower each figure is than it should be, as a fraction.</param>
internal sealed class SyntheticBuild(SyntheticMachine machine, int figures, double noise, Func<int, double> slower) : IBuild
{
    // One figure of three has no bound; the bound of one of five lies in one of two places, by the luck of its pages.
    private const int UnboundedEvery = 3;
    private const int TwoPlacesEvery = 5;

    public string Name => "synthetic";

    /// <summary>The processes so far.</summary>
    internal int Processes { get; private set; }

    public Report Measure(IReadOnlyList<string> only)
    {
        Processes++;
        double speed = machine.Wander();
        var measured = new List<Figure> { Of("machine/copy", 0.2 * speed * Jitter(0.02), null, 1) };
        for (int i = 0; i < figures; i++)
        {
            string id = $"figure/{i:00}";
            double place = i % TwoPlacesEvery == 0 && machine.Random.Next(2) == 0 ? 1.6 : 1;
            double bound = speed * place * Jitter(0.01);
            double best = 2 * speed * (1 + slower(i)) * Jitter(noise) * machine.Disturbance();
            double spread = 1 + (noise * machine.Random.NextDouble());
            if (only.Count == 0 || only.Any(prefix => id.StartsWith(prefix, StringComparison.Ordinal)))
            {
                measured.Add(Of(id, best, i % UnboundedEvery == 2 ? null : bound, spread));
            }
        }

        return new Report(new MachineFacts("synthetic", 2, 0, "0", "0", "512", "never", 0, "none", DateTimeOffset.UnixEpoch), measured);
    }

    private static Figure Of(string id, double best, double? bound, double spread) => new(id, best, best * spread, bound, null, TargetUnit.Ratio, 9);

    private double Jitter(double deviation) => Math.Exp(deviation * machine.Normal());
}
