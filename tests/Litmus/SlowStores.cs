namespace FastIova.Litmus;

/// <summary>
/// Stores that miss every cache. The stores of one processor become visible in order, so a scope that is entered behind these is announced
/// late, while the loads in it are not held up: the store that a fence must not let a load overtake is overtaken whenever there is none.
/// </summary>
/// <remarks>
/// Without them the window is as short as the code between the announcement and the load of the table word is: compiled without
/// optimization, on a busy machine, a missing fence stayed unseen for two minutes; with them it is seen within seconds.
/// Threads: any number; what is stored means nothing.
/// </remarks>
internal sealed unsafe class SlowStores : IDisposable
{
    // Beyond what the caches hold of it beside everything else, and few enough that the stores of the scope fit behind them into the
    // processor's queue, also in code that keeps its variables on the stack.
    private const int Bytes = 128 << 20;
    private const int LineBytes = 64;
    private const int Stores = 16;

    private readonly VirtualMemory _memory = VirtualMemory.Reserve(Bytes, hugePages: true);

    internal void Issue(Random random)
    {
        int* lines = stackalloc int[Stores];
        for (int i = 0; i < Stores; i++)
        {
            lines[i] = random.Next(Bytes / LineBytes);
        }

        for (int i = 0; i < Stores; i++)
        {
            // SAFETY: the first word of a line of the memory.
            *(int*)(_memory.Start + ((nuint)lines[i] * LineBytes)) = i;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
