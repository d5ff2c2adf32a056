namespace FastIova.Litmus;

/// <summary>Writes as devices do: stores through a translation, writes, and atomic operations.</summary>
internal sealed unsafe class DeviceWriter(World world, Tally tally, Random random, DmaPort port) : Reader(world, tally, random, port)
{
    private const int Accesses = 32;

    // No stamp has this value: the exchange only looks.
    private const ulong Impossible = 0xFFFF_FFFF_FFFF_FFFF;

    internal override void Turn()
    {
        for (int i = 0; i < Accesses; i++)
        {
            Site site = AnySite();
            int point = Random.Next(Site.Points);
            using (Port.Enter())
            {
                switch (Random.Next(4))
                {
                    case 0:
                        Store(site, point);
                        break;
                    case 1:
                        Add(site, point);
                        break;
                    case 2:
                        Exchange(site, point);
                        break;
                    default:
                        ulong value = (ulong)i;
                        _ = Port.Write(site.PointIova(point) + Site.WrittenOffset, new ReadOnlySpan<byte>(&value, sizeof(ulong)), out _, site.Pasid);
                        Tally.Add(Count.Writes);
                        break;
                }
            }
        }

        Tally.Add(Count.Scopes, Accesses);
    }

    private void Store(Site site, int point)
    {
        if (!TryTranslate(site, point, Permission.Write, out nuint host))
        {
            return;
        }

        for (int again = 0; again < 2; again++)
        {
            // SAFETY: as Reader.Check.
            Volatile.Write(ref *(ulong*)(host + (nuint)Site.WrittenOffset), (ulong)point);
            ulong stamp = Volatile.Read(ref *(ulong*)host);
            if (!site.IsLive(point, stamp) || !site.IsWritable(Site.GenerationOf(stamp)))
            {
                World.Accuse($"A store used a translation or a permission that is gone at {site.Describe(point, stamp)}");
            }

            Linger();
        }

        Tally.Add(Count.Writes);
    }

    private void Add(Site site, int point)
    {
        if (Port.FetchAdd(site.PointIova(point) + Site.AtomicOffset, 1UL, out ulong old, out _, site.Pasid))
        {
            ulong generation = Site.GenerationOf(old);
            if (!site.IsGenerationLive(point, generation) || !site.IsWritable(generation))
            {
                World.Accuse($"FetchAdd used a translation or a permission that is gone at {site.Describe(point, old)}");
            }

            Tally.Add(Count.Atomics);
        }
    }

    private void Exchange(Site site, int point)
    {
        if (Port.CompareExchange(site.PointIova(point), Impossible, Impossible, out ulong stamp, out _, site.Pasid))
        {
            if (!site.IsLive(point, stamp) || !site.IsWritable(Site.GenerationOf(stamp)))
            {
                World.Accuse($"CompareExchange used a translation or a permission that is gone at {site.Describe(point, stamp)}");
            }

            Tally.Add(Count.Atomics);
        }
    }
}
