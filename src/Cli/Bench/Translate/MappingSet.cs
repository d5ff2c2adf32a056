namespace FastIova.Cli;

/// <summary>A domain filled in one of the ways in which real ones are, with what is needed to draw addresses from it.</summary>
/// <remarks>
/// Owns: the IOMMU, the domain and the host memory behind it, which is reserved but never touched.
/// </remarks>
internal sealed class MappingSet : IDisposable
{
    private const ulong KiB = 1UL << 10;
    private const ulong MiB = 1UL << 20;
    private const ulong GiB = 1UL << 30;
    private const ulong TiB = 1UL << 40;

    private readonly HostMemory _memory;
    private readonly List<(int First, int Count)> _kinds = [];
    private readonly List<(ulong Iova, int PageLg2, bool Root)> _words = [];

    private MappingSet(string name, TableShape shape, int largestPageLg2, ulong apertureBytes, ulong hostBytes)
    {
        Name = name;
        Iommu = new Iommu();
        Domain = Iommu.CreateDomain(new DomainOptions
        {
            Shape = shape,
            LargestPageLg2 = largestPageLg2,
            Aperture = new IovaSpan(0, apertureBytes - 1),
        });
        _memory = HostMemory.Allocate(hostBytes + GiB);
    }

    internal string Name { get; }

    internal Iommu Iommu { get; }

    internal Domain Domain { get; }

    /// <summary>The sets by name.</summary>
    /// <param name="name">O, S2M, S4K, M, L, XL or MIX.</param>
    /// <param name="shape">How the domain keeps its translations.</param>
    /// <param name="quick">Smaller versions of the sets that take long to build.</param>
    /// <returns>The set.</returns>
    internal static MappingSet Build(string name, TableShape shape = TableShape.TwoLevel, bool quick = false)
    {
        var random = new Random(name.Length + name[0]);
        int xl = quick ? 1 << 20 : 1 << 22;
        MappingSet set = name switch
        {
            "O" => new MappingSet(name, shape, 63, TiB, GiB),
            "S2M" => new MappingSet(name, shape, 63, TiB, GiB),
            "S4K" => new MappingSet(name, shape, 12, TiB, GiB),
            "M" => new MappingSet(name, shape, 63, TiB, 4096UL * 64 * KiB),
            "L" => new MappingSet(name, shape, 63, 64 * GiB, 262144UL * (4 * KiB)),
            "XL" => new MappingSet(name, shape, 63, (quick ? 64UL : 256UL) * GiB, (ulong)xl * (4 * KiB)),
            "MIX" => new MappingSet(name, shape, 63, 256 * GiB, (64 * GiB) + (8192UL * 2 * MiB) + (262144UL * (4 * KiB))),
            _ => throw new BenchFailureException($"There is no mapping set '{name}'."),
        };
        switch (name)
        {
            case "O":
                set.Place(random, 1, GiB, GiB, 21);
                break;
            case "S2M":
                set.Place(random, 64, 16 * MiB, 2 * MiB, 21);
                break;
            case "S4K":
                set.Place(random, 64, 16 * MiB, 2 * MiB, 12);
                break;
            case "M":
                set.Place(random, 4096, 64 * KiB, 64 * KiB, 12);
                break;
            case "MIX":
                set.Place(random, 64, GiB, GiB, 21);
                set.Place(random, 8192, 2 * MiB, 2 * MiB, 21);
                set.Place(random, 262144, 4 * KiB, 4 * KiB, 12);
                break;
            default:
                set.Place(random, name is "L" ? 262144 : xl, 4 * KiB, 4 * KiB, 12);
                break;
        }

        return set;
    }

    /// <summary>Draws addresses uniformly over the mapped bytes.</summary>
    /// <param name="count">How many.</param>
    /// <returns>The addresses; and as many places, uniform over the cache lines that the set's table words fill.</returns>
    internal (ulong[] Iovas, ulong[] Words) Uniform(int count)
    {
        var lines = new HashSet<ulong>();
        foreach ((ulong iova, int pageLg2, bool root) in _words)
        {
            // Root words and leaf words lie in different arrays: one bit keeps their lines apart.
            lines.Add((iova >> pageLg2 >> 3) | (root ? 1UL << 60 : 0));
        }

        LineCount = lines.Count;
        var random = new Random(count);
        ulong[] iovas = new ulong[count];
        ulong[] words = new ulong[count];
        ulong total = 0;
        foreach ((int first, int pages) in _kinds)
        {
            total += (ulong)pages << _words[first].PageLg2;
        }

        for (int i = 0; i < count; i++)
        {
            ulong at = (ulong)random.NextInt64((long)total);
            int kind = 0;
            ulong bytes = (ulong)_kinds[0].Count << _words[_kinds[0].First].PageLg2;
            while (at >= bytes)
            {
                at -= bytes;
                kind++;
                bytes = (ulong)_kinds[kind].Count << _words[_kinds[kind].First].PageLg2;
            }

            (ulong iova, int pageLg2, bool _) = _words[_kinds[kind].First + (int)(at >> _words[_kinds[kind].First].PageLg2)];
            iovas[i] = iova + (at & ((1UL << pageLg2) - 1));
            words[i] = (ulong)random.NextInt64(LineCount) * 8;
        }

        return (iovas, words);
    }

    /// <summary>The cache lines that the set's table words fill; known once addresses were drawn.</summary>
    internal int LineCount { get; private set; }

    /// <summary>Draws addresses from a few pages: a working set that every cache holds.</summary>
    /// <param name="pages">How many pages.</param>
    /// <param name="count">How many addresses.</param>
    /// <returns>The addresses.</returns>
    internal ulong[] Hot(int pages, int count)
    {
        var random = new Random(pages);
        ulong[] hot = new ulong[pages];
        foreach (ref ulong page in hot.AsSpan())
        {
            page = _words[random.Next(_words.Count)].Iova;
        }

        ulong[] iovas = new ulong[count];
        foreach (ref ulong iova in iovas.AsSpan())
        {
            iova = hot[random.Next(pages)] + (ulong)random.Next(4096);
        }

        return iovas;
    }

    /// <summary>Draws addresses as a device with 64 queues does: each queue goes through 1 MiB buffers in order, a page of 256-byte requests at a time.</summary>
    /// <param name="count">How many.</param>
    /// <returns>The addresses.</returns>
    internal ulong[] Dma(int count)
    {
        const int Queues = 64;
        const ulong Request = 256;
        const int Burst = 16;
        var random = new Random(Queues);
        ulong[] at = new ulong[Queues];
        ulong[] left = new ulong[Queues];
        ulong[] iovas = new ulong[count];
        for (int i = 0; i < count; i += Burst)
        {
            int queue = random.Next(Queues);
            if (left[queue] == 0)
            {
                (ulong iova, int pageLg2, bool _) = _words[random.Next(_words.Count)];
                at[queue] = iova;
                left[queue] = Math.Min(MiB, 1UL << pageLg2);
            }

            for (int j = i; j < Math.Min(count, i + Burst); j++)
            {
                iovas[j] = at[queue];
                at[queue] += Request;
                left[queue] -= Request;
            }
        }

        return iovas;
    }

    public void Dispose()
    {
        Domain.Dispose();
        Iommu.Dispose();
        _memory.Dispose();
    }

    /// <summary>Maps ranges of one size at random places that do not overlap what is there.</summary>
    private void Place(Random random, int count, ulong bytes, ulong alignment, int pageLg2)
    {
        ulong slots = (Domain.Options.Aperture.Last + 1) / alignment;
        ulong offset = _words.Count == 0 ? 0 : Domain.MappedBytes;
        int first = _words.Count;
        bool root = pageLg2 > 12;
        for (int placed = 0; placed < count;)
        {
            // The first gigabyte stays free, so that no set lies on a boundary.
            ulong iova = (ulong)random.NextInt64((long)slots) * alignment;
            if (iova < GiB)
            {
                continue;
            }

            MapStatus status = Domain.TryMap(iova, _memory, offset, bytes, Permission.ReadWrite);
            if (status is MapStatus.Overlap or MapStatus.OutsideAperture)
            {
                continue;
            }

            if (status != MapStatus.Success)
            {
                throw new BenchFailureException($"Set {Name}: mapping 0x{bytes:x} bytes at IOVA 0x{iova:x} was refused: {status}.");
            }

            offset += bytes;
            placed++;
            for (ulong at = iova; at < iova + bytes; at += 1UL << pageLg2)
            {
                _words.Add((at, pageLg2, root));
            }
        }

        _kinds.Add((first, _words.Count - first));
    }
}
