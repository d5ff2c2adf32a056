using System.Diagnostics;

namespace FastIova.Litmus;

/// <summary>Stays in one scope for up to 50 microseconds, now and then a millisecond, collects translations, and uses all of them again at its end.</summary>
internal sealed class LongScopeReader(World world, Tally tally, Random random, DmaPort port) : Reader(world, tally, random, port)
{
    private const int Held = 64;

    private readonly (Site Site, int Point, nuint Host)[] _held = new (Site, int, nuint)[Held];

    internal override void Turn()
    {
        long ticks = Random.Next((int)(Stopwatch.Frequency / (Random.Next(8) == 0 ? 1000 : 20_000)));
        long start = Stopwatch.GetTimestamp();
        int held = 0;
        using (Port.Enter())
        {
            do
            {
                Site site = AnySite();
                int point = Random.Next(Site.Points);
                if (TryTranslate(site, point, Permission.Read, out nuint host))
                {
                    Check(site, point, host, "A long scope");
                    _held[held++ % Held] = (site, point, host);
                }

                if ((held & 15) == 0)
                {
                    Linger();
                }
            }
            while (Stopwatch.GetTimestamp() - start < ticks && !World.IsOver);

            for (int i = 0; i < Math.Min(held, Held); i++)
            {
                Check(_held[i].Site, _held[i].Point, _held[i].Host, "The end of a long scope");
            }
        }

        Tally.Add(Count.LongScopes);
        Tally.Add(Count.Scopes);
    }
}
