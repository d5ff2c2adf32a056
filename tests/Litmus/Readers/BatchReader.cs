namespace FastIova.Litmus;

/// <summary>Looks up many addresses at once, through the cache, past it, and with the next ones announced.</summary>
internal sealed class BatchReader(World world, Tally tally, Random random, DmaPort port) : Reader(world, tally, random, port)
{
    private const int LongestBatch = 300;

    private readonly Site[] _sites = new Site[LongestBatch];
    private readonly int[] _points = new int[LongestBatch];
    private readonly ulong[] _steady = new ulong[LongestBatch];
    private readonly ulong[] _iovas = new ulong[LongestBatch];
    private readonly nuint[] _hosts = new nuint[LongestBatch];

    internal override void Turn()
    {
        int count = Random.Next(1, LongestBatch + 1);
        bool linear = Random.Next(4) == 0;
        for (int i = 0; i < count; i++)
        {
            Site site = linear ? World.Small[World.Small.Length - 1 - Random.Next(World.Small.Length / 2)] : TwoLevelSite();
            _sites[i] = site;
            _points[i] = Random.Next(Site.Points);
            _steady[i] = site.Steady(_points[i]);
            _iovas[i] = site.PointIova(_points[i]);
        }

        int half = Random.Next(2) == 0 ? count : count / 2;
        uint pasid = linear ? World.LinearPasid : Fault.NoPasid;
        using (Port.Enter())
        {
            _ = Port.TranslateBatch(_iovas.AsSpan(0, half), _hosts, Permission.Read, out _, _iovas.AsSpan(half, count - half), pasid);
            _ = Port.TranslateBatch(_iovas.AsSpan(half, count - half), _hosts.AsSpan(half), Permission.Read, out _, default, pasid);
            Linger();
            for (int i = 0; i < count; i++)
            {
                if (_hosts[i] != 0)
                {
                    Check(_sites[i], _points[i], _hosts[i], "A batch");
                }
            }
        }

        for (int i = 0; i < count; i++)
        {
            if (_hosts[i] == 0)
            {
                Tally.Add(Count.Faults);
                CheckFault(_sites[i], _points[i], _steady[i], "A batch");
            }
        }

        Tally.Add(linear ? Count.LinearTranslations : Count.Translations, count);
        Tally.Add(Count.Batches);
        Tally.Add(Count.Scopes);
    }

    private Site TwoLevelSite()
    {
        while (true)
        {
            Site site = AnySite();
            if (site.Pasid == Fault.NoPasid)
            {
                return site;
            }
        }
    }
}
