namespace FastIova.Tests.TestKit;

/// <summary>The memory of an imagined process: remote frames in runs of random lengths, holes, read-only pages, and a count of pins.</summary>
/// <remarks>Threads: any; one at a time pins.</remarks>
internal sealed class ScatteredMemory : MemorySpace, IDisposable
{
    private readonly byte[] _bytes;
    private readonly int[] _pins;
    private readonly HashSet<ulong> _holes = [];
    private readonly HashSet<ulong> _readOnly = [];

    internal ScatteredMemory(ulong pages)
        : base(isRemote: true)
    {
        _bytes = new byte[pages << 12];
        _pins = new int[pages];
        Pages = pages;
    }

    internal ulong Pages { get; }

    /// <summary>Where it begins.</summary>
    internal static ulong Start => 0x10000000;

    internal bool Gone { get; set; }

    internal override bool IsGone => Gone;

    /// <summary>The most pages in one run; a run never crosses a multiple of it.</summary>
    internal ulong RunPages { get; set; } = 8;

    internal ReadOnlySpan<int> Pins => _pins;

    internal Span<byte> Bytes => _bytes;

    internal void MakeHole(ulong page) => _holes.Add(page);

    internal void MakeReadOnly(ulong page) => _readOnly.Add(page);

    internal void Repair()
    {
        _holes.Clear();
        _readOnly.Clear();
    }

    internal bool CanPin(ulong address, bool write) => IsGood(address, 4096, write);

    /// <summary>The frame of a page: neighbours within a run, far apart between runs.</summary>
    internal Frame FrameOf(ulong page) => Frame.OfRemote(Index, Start + (page << 12));

    internal override bool TryRead(ulong address, Span<byte> destination)
    {
        bool good = IsGood(address, (ulong)destination.Length, write: false);
        if (good)
        {
            Bytes.Slice((int)(address - Start), destination.Length).CopyTo(destination);
        }

        return good;
    }

    internal override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        bool good = IsGood(address, (ulong)source.Length, write: true);
        if (good)
        {
            source.CopyTo(Bytes[(int)(address - Start)..]);
        }

        return good;
    }

    internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs)
    {
        if (Gone)
        {
            return PinStatus.ProcessGone;
        }

        if (!IsGood(address, pages << 12, write))
        {
            return PinStatus.BadAddress;
        }

        ulong page = (address - Start) >> 12;
        for (ulong done = 0; done < pages;)
        {
            ulong count = Math.Min(pages - done, RunPages - ((page + done) % RunPages));
            runs.Add(new FrameRun(firstPage + done, count, FrameOf(page + done)));
            for (ulong i = 0; i < count; i++)
            {
                _pins[page + done + i]++;
            }

            done += count;
        }

        return PinStatus.Success;
    }

    internal override void Unpin(FrameRun run)
    {
        ulong page = (run.First.RemoteAddress - Start) >> 12;
        for (ulong i = 0; i < run.Pages; i++)
        {
            _pins[page + i]--;
        }
    }

    internal override bool TryIdentify(ulong address, out PageIdentity identity)
    {
        identity = new PageIdentity(PrivateOwner, address & ~0xfffUL);
        return IsGood(address, 1, write: false);
    }

    public void Dispose() => Unregister();

    private bool IsGood(ulong address, ulong bytes, bool write)
    {
        ulong first = address - Start;
        ulong last = first + bytes - 1;
        if (Gone || address < Start || last < first || last >= Pages << 12)
        {
            return false;
        }

        for (ulong page = first >> 12; page <= last >> 12; page++)
        {
            if (_holes.Contains(page) || (write && _readOnly.Contains(page)))
            {
                return false;
            }
        }

        return true;
    }
}
