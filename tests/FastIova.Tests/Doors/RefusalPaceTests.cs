using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Attacks the invariants of <see cref="RefusalPace"/>, with times that are made up.</summary>
public sealed class RefusalPaceTests
{
    private const long Rate = 10;
    private static readonly long Burst = Rate * RefusalPace.BurstSeconds;

    [Fact]
    public void ABurstIsAnsweredAtOnceAndThenEachWaitsItsTurn()
    {
        var delayed = new EventCount();
        var pace = new RefusalPace(Rate, delayed);
        for (int i = 0; i < Burst; i++)
        {
            Assert.Equal(TimeSpan.Zero, pace.Next(0));
        }

        int together = (int)(Rate * RefusalPace.Longest.TotalSeconds);
        for (int i = 1; i <= together; i++)
        {
            Assert.Equal(TimeSpan.FromTicks(i * TimeSpan.TicksPerSecond / Rate), pace.Next(0));
        }

        Assert.Equal(RefusalPace.Longest, pace.Next(0));
        Assert.Equal(together + 1, delayed.Count);
        long later = Stopwatch.Frequency; // a second: as many as the rate, but for those that wait still
        Assert.Equal(Rate - together, Enumerable.Range(0, (int)Rate).Count(_ => pace.Next(later) == TimeSpan.Zero));
    }

    [Fact]
    public void WithoutALimitNobodyWaitsAndWithNoneAllowedEveryoneDoes()
    {
        var delayed = new EventCount();
        var free = new RefusalPace(long.MaxValue, delayed);
        var strict = new RefusalPace(0, delayed);
        Assert.All(Enumerable.Range(0, 100_000), _ => Assert.Equal(TimeSpan.Zero, free.Next(0)));
        Assert.Equal(0, delayed.Count);
        Assert.All(Enumerable.Range(1, 1000), second => Assert.Equal(RefusalPace.Longest, strict.Next(second * Stopwatch.Frequency)));
        Assert.Equal(1000, delayed.Count);
    }

    /// <summary>P1 and P2: whoever asks as fast as it is answered gets the burst and the rate, and no more.</summary>
    [Fact]
    public void WhoWaitsForEachAnswerGetsNoMoreThanTheRate() => Check.QuickThrowOnFailure(
        Prop.ForAll(Gen.Choose(0, 20).ListOf().ToArbitrary(), pauses =>
        {
            var pace = new RefusalPace(Rate, new EventCount());
            long now = 0;
            long answered = 0;
            foreach (int pause in pauses)
            {
                now += pause * Stopwatch.Frequency;
                for (int i = 0; i < Burst / 2; i++)
                {
                    TimeSpan wait = pace.Next(now);
                    Assert.InRange(wait, TimeSpan.Zero, RefusalPace.Longest);
                    now += (long)(wait.TotalSeconds * Stopwatch.Frequency);
                    answered++;
                    Assert.True(answered <= Burst + (now / (double)Stopwatch.Frequency * Rate) + 1, $"{answered} answers within {Stopwatch.GetElapsedTime(0, now)}");
                }
            }
        }));

    [Fact]
    public void WhatDependsOnTheMomentIsNoRefusal()
    {
        Assert.All([0, 3, -(int)Errno.NotFound, -(int)Errno.AlreadyExists, -(int)Errno.Busy, -(int)Errno.NoSpace, DoorProtocol.NotMine], result => Assert.False(RefusalPace.IsRefusal(result)));
        Assert.All([-(int)Errno.Invalid, -(int)Errno.NotATypewriter, -(int)Errno.TooManyFiles, -(int)Errno.BadDescriptor], result => Assert.True(RefusalPace.IsRefusal(result)));
    }
}
