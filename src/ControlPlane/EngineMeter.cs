using System.Diagnostics.Metrics;
using System.Globalization;

namespace FastIova;

/// <summary>The instruments of contexts and their objects, for the engines of this process.</summary>
/// <remarks>Threads: any. An engine that was forgotten without being disposed of is not kept alive.</remarks>
internal static class EngineMeter
{
    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<Engine>> Engines = [];

    static EngineMeter()
    {
        Meter meter = IommuMeter.Instance;
        meter.CreateObservableGauge("fastiova.contexts", static () => Living().Sum(engine => (long)engine.OpenContexts), "{context}", "Contexts that live.");
        meter.CreateObservableGauge("fastiova.objects", Objects, "{object}", "Objects of contexts, by kind.");
        meter.CreateObservableGauge("fastiova.ioas.pinned", Pinned, "By", "What each ioas keeps pinned; pages that it shares with another count in both.");
    }

    internal static void Add(Engine engine)
    {
        lock (Gate)
        {
            Engines.RemoveAll(static each => !each.TryGetTarget(out _));
            Engines.Add(new WeakReference<Engine>(engine));
        }
    }

    internal static void Remove(Engine engine)
    {
        lock (Gate)
        {
            Engines.RemoveAll(each => !each.TryGetTarget(out Engine? one) || one == engine);
        }
    }

    private static List<Engine> Living()
    {
        var living = new List<Engine>();
        lock (Gate)
        {
            foreach (WeakReference<Engine> each in Engines)
            {
                if (each.TryGetTarget(out Engine? engine))
                {
                    living.Add(engine);
                }
            }
        }

        return living;
    }

    private static IEnumerable<Measurement<long>> Objects() =>
        [.. Living().SelectMany(engine => engine.Contexts)
            .SelectMany(context => context.Key.Objects.Published())
            .GroupBy(each => each.Kind)
            .Select(kind => new Measurement<long>(kind.LongCount(), new KeyValuePair<string, object?>("kind", $"{kind.Key}")))];

    private static List<Measurement<long>> Pinned()
    {
        var pinned = new List<Measurement<long>>();
        foreach ((IommufdContext context, long number) in Living().SelectMany(engine => engine.Contexts))
        {
            foreach (IoasObject ioas in context.Objects.Published().OfType<IoasObject>())
            {
                pinned.Add(new Measurement<long>(
                    (long)(ioas.Space.PinnedPages << Frame.PageLg2),
                    new KeyValuePair<string, object?>("context", number.ToString(CultureInfo.InvariantCulture)),
                    new KeyValuePair<string, object?>("ioas", ioas.Id.ToString(CultureInfo.InvariantCulture))));
            }
        }

        return pinned;
    }
}
