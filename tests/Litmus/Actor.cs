namespace FastIova.Litmus;

/// <summary>One kind of behaviour. A thread gives its actors turns in random order.</summary>
/// <param name="world">Shared with the others.</param>
/// <param name="tally">The thread's.</param>
/// <param name="random">The thread's.</param>
internal abstract class Actor(World world, Tally tally, Random random)
{
    protected World World { get; } = world;

    protected Tally Tally { get; } = tally;

    protected Random Random { get; } = random;

    /// <summary>Acts for some microseconds.</summary>
    internal abstract void Turn();
}
