namespace FastIova.Litmus;

/// <summary>Looks up one address a scope, as fast as it can; sometimes behind stores that are slow, and sometimes it lingers before it uses the answer again.</summary>
internal sealed class SingleReader(World world, Tally tally, Random random, DmaPort port) : Reader(world, tally, random, port)
{
    private const int Lookups = 64;

    internal override void Turn()
    {
        for (int i = 0; i < Lookups; i++)
        {
            Site site = AnySite();
            int point = Random.Next(Site.Points);
            ulong steady = site.Steady(point);
            if (World.Cast == Cast.Duel || Random.Next(4) == 0)
            {
                World.SlowStores.Issue(Random);
            }

            bool good;
            using (Port.Enter())
            {
                good = TryTranslate(site, point, Permission.Read, out nuint host);
                if (good)
                {
                    Check(site, point, host, "A single look-up");
                    if ((i & 3) == 0)
                    {
                        Linger();
                        Check(site, point, host, "A single look-up that lingered");
                    }
                }
            }

            if (!good)
            {
                CheckFault(site, point, steady, "A single look-up");
            }
        }

        Tally.Add(Count.Scopes, Lookups);
    }
}
