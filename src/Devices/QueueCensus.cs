namespace FastIova;

/// <summary>The queues that are served somewhere: who asks how full rings are looks here.</summary>
/// <remarks>Threads: any. A queue that is being disposed of counts as empty.</remarks>
internal static class QueueCensus
{
    private static readonly Lock Gate = new();
    private static readonly HashSet<DmaQueue> Queues = [];

    internal static void Add(DmaQueue queue)
    {
        lock (Gate)
        {
            Queues.Add(queue);
        }
    }

    internal static void Remove(DmaQueue queue)
    {
        lock (Gate)
        {
            Queues.Remove(queue);
        }
    }

    internal static DmaQueue[] Read()
    {
        lock (Gate)
        {
            return [.. Queues];
        }
    }
}
