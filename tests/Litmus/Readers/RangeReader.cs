using System.Buffers.Binary;

namespace FastIova.Litmus;

/// <summary>Translates ranges for scatter-gather and looks at every point in the runs; and copies memory across pages.</summary>
internal sealed class RangeReader(World world, Tally tally, Random random, DmaPort port) : Reader(world, tally, random, port)
{
    private readonly HostSegment[] _segments = new HostSegment[600];
    private readonly byte[] _buffer = new byte[2 * HostBlocks.PageBytes];

    internal override void Turn()
    {
        for (int i = 0; i < 4; i++)
        {
            Site site = Random.Next(3) == 0 ? World.Swapped[0] : AnySite();
            TranslateRange(site);
            Read(AnySite());
        }
    }

    private void TranslateRange(Site site)
    {
        int first = Random.Next(Site.Points);
        ulong iova = site.PointIova(first);
        ulong length = 1 + (ulong)Random.NextInt64((long)(site.Iova + site.Bytes - iova));
        using (Port.Enter())
        {
            ulong done = Port.TranslateRange(iova, length, Permission.Read, _segments.AsSpan(0, Random.Next(1, _segments.Length)), out int count, out _, site.Pasid);
            Linger();
            ulong at = iova;
            for (int i = 0; i < count; i++)
            {
                ulong end = at + _segments[i].Length;
                for (int point = site.PointFrom(at); point < Site.Points && site.PointIova(point) + sizeof(ulong) <= end; point++)
                {
                    Check(site, point, _segments[i].Address + (nuint)(site.PointIova(point) - at), "A range");
                }

                at = end;
            }

            if (at - iova != done)
            {
                World.Accuse($"A range of 0x{done:x} bytes was answered by segments of 0x{at - iova:x} bytes");
            }
        }

        Tally.Add(Count.Ranges);
        Tally.Add(Count.Scopes);
    }

    private void Read(Site site)
    {
        // Half of the reads run in a scope of their own. What they saw is judged in one of this reader's only when it was open
        // around them, because a scope that is over promises nothing.
        int point = Random.Next(Site.Points);
        Span<byte> buffer = _buffer.AsSpan(0, Random.Next(sizeof(ulong), _buffer.Length));
        if (Random.Next(2) == 0)
        {
            _ = Port.Read(site.PointIova(point), buffer, out _, site.Pasid);
        }
        else
        {
            using (Port.Enter())
            {
                if (Port.Read(site.PointIova(point), buffer, out _, site.Pasid))
                {
                    ulong stamp = BinaryPrimitives.ReadUInt64LittleEndian(buffer);
                    if (!site.IsLive(point, stamp))
                    {
                        World.Accuse($"Read used a translation that is gone at {site.Describe(point, stamp)}");
                    }
                }
            }
        }

        Tally.Add(Count.Reads);
        Tally.Add(Count.Scopes);
    }
}
