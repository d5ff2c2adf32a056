using Xunit.Sdk;

namespace FastIova.Tests.TestKit;

/// <summary>Randomness that can be repeated: the seed stands in the message of whatever fails.</summary>
internal static class Seeded
{
    internal static void Run(int seed, Action<Random> body)
    {
        try
        {
            body(new Random(seed));
        }
        catch (Exception failure) when (failure is not XunitException { InnerException: XunitException })
        {
            throw new XunitException($"With seed {seed}: {failure.Message}", failure as XunitException ?? new XunitException(failure.ToString()));
        }
    }

    internal static T Pick<T>(this Random random, params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];

    internal static bool Chance(this Random random, int percent) => random.Next(100) < percent;

    internal static ulong NextWord(this Random random) => ((ulong)random.NextInt64() << 1) ^ (ulong)random.NextInt64();
}
