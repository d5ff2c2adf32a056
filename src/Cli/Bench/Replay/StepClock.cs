using System.Diagnostics;

namespace FastIova.Cli;

/// <summary>Is told of every step of a replay.</summary>
internal interface IStepClock
{
    /// <summary>A step is over.</summary>
    void Stepped(ReplayKind kind);
}

/// <summary>Sees nothing, and costs nothing.</summary>
internal readonly struct NoClock : IStepClock
{
    public void Stepped(ReplayKind kind)
    {
    }
}

/// <summary>Charges the time of each step to its kind, less what reading the clock costs.</summary>
internal struct KindClock : IStepClock
{
    private const int Kinds = (int)ReplayKind.Detach + 1;

    private readonly long[] _ticks = new long[Kinds];
    private readonly long[] _steps = new long[Kinds];
    private long _last;

    public KindClock() => _last = Stopwatch.GetTimestamp();

    public void Stepped(ReplayKind kind)
    {
        long now = Stopwatch.GetTimestamp();
        _ticks[(int)kind] += now - _last;
        _steps[(int)kind]++;
        _last = now;
    }

    /// <summary>The nanoseconds that all steps of a kind took.</summary>
    internal readonly double Nanoseconds(ReplayKind kind)
    {
        double perTick = 1e9 / Stopwatch.Frequency;
        return Math.Max(0, (_ticks[(int)kind] * perTick) - (_steps[(int)kind] * OwnNanoseconds()));
    }

    private static double OwnNanoseconds()
    {
        const int Rounds = 10_000;
        double best = double.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            var clock = new KindClock();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Rounds; i++)
            {
                clock.Stepped(ReplayKind.Map);
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Rounds);
        }

        return best;
    }
}
