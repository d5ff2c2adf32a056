using System.Runtime.CompilerServices;

namespace FastIova.Litmus;

/// <summary>
/// One range of IOVAs that is mapped and unmapped again and again, each time to other memory. Sixteen of its pages, the
/// points, are stamped with the generation of the mapping, so that a reader can tell which mapping it is looking at and
/// whether that mapping's unmap has already returned.
/// </summary>
/// <remarks>
/// <para>Invariants. G1: a generation's stamps are written, and <c>_begun</c> tells of it, before it is mapped. G2:
/// <c>_ended</c> tells of it after its unmap has returned, and its memory is spoiled only then. So whoever reads a stamp in
/// the scope in which it translated, and reads <c>_ended</c> after that, finds a later generation there, or the promise is broken.</para>
/// <para>Threads: one writer; the rules for readers are <see cref="IsLive"/>, <see cref="IsWritable"/> and <see cref="Steady"/>.</para>
/// </remarks>
internal sealed unsafe class Site : IDisposable
{
    internal const int Points = 16;
    internal const ulong AtomicOffset = 64;
    internal const ulong WrittenOffset = 128;
    private const int GenerationShift = 24;

    private readonly HostBlocks _blocks;
    private readonly ulong[] _ended = new ulong[Points];
    private readonly ulong[] _steady = new ulong[Points];
    private readonly ulong[] _probed = new ulong[Points];
    private readonly ulong[] _iovas;
    private readonly ulong[] _hosts;
    private readonly ulong _pointBytes;
    private readonly bool[] _reversed = new bool[HostBlocks.Count];
    private ulong _begun;
    private ulong _frozen;
    private int _block;

    /// <param name="number">Its number, from 1 on.</param>
    /// <param name="domain">Where it lies.</param>
    /// <param name="pasid">By what the ports reach the domain.</param>
    /// <param name="iova">A multiple of <paramref name="bytes"/>.</param>
    /// <param name="bytes">A power of two, from 64 KiB.</param>
    internal Site(int number, Domain domain, uint pasid, ulong iova, ulong bytes)
    {
        Number = number;
        Domain = domain;
        Pasid = pasid;
        Iova = iova;
        Bytes = bytes;
        _pointBytes = bytes / Points;
        _blocks = new HostBlocks(bytes);
        ulong pages = bytes <= 2UL << 20 ? bytes / HostBlocks.PageBytes : 0;
        _iovas = new ulong[pages];
        _hosts = new ulong[pages];
    }

    internal int Number { get; }

    internal Domain Domain { get; }

    internal uint Pasid { get; }

    internal ulong Iova { get; }

    internal ulong Bytes { get; }

    internal IovaSpan Span => IovaSpan.Of(Iova, Bytes);

    /// <summary>Whether the writer has mapped it. The writer's own note.</summary>
    internal bool IsMapped { get; set; }

    internal ulong Begun => _begun;

    /// <summary>Where a point lies.</summary>
    internal ulong PointIova(int point) => Iova + ((ulong)point * _pointBytes);

    /// <summary>The first point at or after an address of the site.</summary>
    internal int PointFrom(ulong iova) => (int)((iova - Iova + _pointBytes - 1) / _pointBytes);

    /// <summary>Whether a stamp that was read at a point, in the scope that is still open, is one of a mapping that holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsLive(int point, ulong stamp) =>
        (stamp & ((1UL << GenerationShift) - 1)) == Place(point) && IsGenerationLive(point, stamp >> GenerationShift);

    /// <summary>Whether a generation holds, asked in the scope in which it was seen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsGenerationLive(int point, ulong generation) =>
        generation > Volatile.Read(ref _ended[point]) && generation <= Volatile.Read(ref _begun);

    /// <summary>Whether a generation that was reached with permission to write may be written, asked in the scope.</summary>
    internal bool IsWritable(ulong generation) => generation > Volatile.Read(ref _frozen);

    /// <summary>A number that is not zero and does not change while every access to the point must succeed.</summary>
    internal ulong Steady(int point) => Volatile.Read(ref _steady[point]);

    internal static ulong GenerationOf(ulong stamp) => stamp >> GenerationShift;

    /// <summary>What a violation at a point looked like.</summary>
    internal string Describe(int point, ulong seen) => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"IOVA 0x{PointIova(point):x} ({Domain.Options.Shape}, site {Number} of 0x{Bytes:x} bytes): saw 0x{seen:x}, generation {seen >> GenerationShift}; ended {Volatile.Read(ref _ended[point])}, begun {Volatile.Read(ref _begun)}, read-only {Volatile.Read(ref _frozen)}");

    /// <summary>Makes the next generation's memory ready.</summary>
    /// <param name="reversed">Whether the pages of the block go behind the site in reverse, one by one.</param>
    /// <param name="writable">Whether devices may write.</param>
    /// <returns>False when something wrote to the memory after it had been retired.</returns>
    internal bool TryPrepare(bool reversed, bool writable)
    {
        int block = (_block + 1) % HostBlocks.Count;
        bool good = _blocks.TryRestore(block, Probed(block));
        _block = block;
        _reversed[block] = reversed;
        ulong generation = _begun + 1;
        for (int point = 0; point < Points; point++)
        {
            // SAFETY: the probed page of a block in use.
            byte* page = PageOf(block, point);
            new Span<byte>(page, HostBlocks.ProbedBytes).Clear();
            *(ulong*)page = (generation << GenerationShift) | Place(point);
            *(ulong*)(page + AtomicOffset) = generation << GenerationShift;
        }

        if (!writable)
        {
            Volatile.Write(ref _frozen, generation);
        }

        Volatile.Write(ref _begun, generation); // G1
        return good;
    }

    /// <summary>Maps the generation that was made ready.</summary>
    internal MapStatus TryMap(Permission permission)
    {
        ulong blockOffset = (ulong)_block * Bytes;
        if (!_reversed[_block])
        {
            return (_begun & 1) == 0
                ? Domain.TryMap(Iova, (nuint)_blocks.Of(_block), Bytes, permission)
                : Domain.TryMap(Iova, _blocks.Whole, blockOffset, Bytes, permission);
        }

        for (int i = 0; i < _iovas.Length; i++)
        {
            _iovas[i] = Iova + ((ulong)i * HostBlocks.PageBytes);
            _hosts[i] = (ulong)_blocks.Of(_block) + Bytes - ((ulong)(i + 1) * HostBlocks.PageBytes);
        }

        return Domain.TryMapScattered(_iovas, _blocks.Whole, _hosts, permission);
    }

    /// <summary>From here on every access to every point must succeed.</summary>
    internal void BeSteady()
    {
        for (int point = 0; point < Points; point++)
        {
            Volatile.Write(ref _steady[point], _begun);
        }
    }

    /// <summary>From here on an access may fail.</summary>
    internal void BeUnsteady()
    {
        for (int point = 0; point < Points; point++)
        {
            BeUnsteady(point);
        }
    }

    internal void BeUnsteady(int point) => Volatile.Write(ref _steady[point], 0);

    /// <summary>The present permission to write has been taken away, and the call that did it has returned.</summary>
    internal void Freeze(bool guard)
    {
        Volatile.Write(ref _frozen, _begun);
        if (guard)
        {
            HostBlocks.Protect(_blocks.Of(_block), Bytes, Libc.ProtRead);
        }
    }

    /// <summary>The permission to write is about to be given back.</summary>
    internal void Thaw()
    {
        HostBlocks.Protect(_blocks.Of(_block), Bytes, Libc.ProtRead | Libc.ProtWrite);
        Volatile.Write(ref _frozen, _begun - 1);
    }

    /// <summary>The unmap of one point's page has returned.</summary>
    internal void EndPoint(int point)
    {
        Volatile.Write(ref _ended[point], _begun);
        HostBlocks.Protect(PageOf(_block, point), HostBlocks.PageBytes, Libc.ProtNone);
    }

    /// <summary>The unmap of a generation has returned: nobody may use its memory any more.</summary>
    /// <param name="generation">It, the present one or the one before.</param>
    /// <param name="how">What becomes of its memory.</param>
    internal void End(ulong generation, Retirement how)
    {
        for (int point = 0; point < Points; point++)
        {
            Volatile.Write(ref _ended[point], generation); // G2
        }

        int block = generation == _begun ? _block : (_block + HostBlocks.Count - 1) % HostBlocks.Count;
        if (how != Retirement.Inaccessible)
        {
            // A point that ended before the rest, or a frozen block, is closed to this writer too.
            HostBlocks.Protect(_blocks.Of(block), Bytes, Libc.ProtRead | Libc.ProtWrite);
        }

        _blocks.Retire(block, how, Probed(block));
    }

    /// <inheritdoc/>
    public void Dispose() => _blocks.Dispose();

    private ulong Place(int point) => ((ulong)Number << 8) | (uint)point;

    private byte* PageOf(int block, int point) => _blocks.Of(block) + OffsetOf(block, point);

    private ulong OffsetOf(int block, int point)
    {
        ulong offset = (ulong)point * _pointBytes;
        return _reversed[block] ? Bytes - offset - HostBlocks.PageBytes : offset;
    }

    private ulong[] Probed(int block)
    {
        for (int point = 0; point < Points; point++)
        {
            _probed[point] = OffsetOf(block, point);
        }

        return _probed;
    }
}
