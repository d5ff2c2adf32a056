namespace FastIova;

/// <summary>What is in a trace: how long mappings live, how often devices use them, and what an IOMMU could keep of that.</summary>
/// <remarks>
/// A life is counted in records, as a trace knows no time. A translation counts for the mapping that covers it in the domain of its device;
/// one that no mapping covers is counted apart, and is no error here: the programs that replay a trace check answers.
/// Threads: immutable after construction.
/// </remarks>
internal sealed class TraceStatistics
{
    private readonly long[] _counts = new long[TraceOpNames.End];
    private readonly SortedDictionary<uint, long> _mapSizes = [];
    private readonly SortedDictionary<uint, long> _pageSizes = [];
    private readonly List<long> _lives = [];
    private readonly List<long> _uses = [];

    /// <summary>Goes through a trace.</summary>
    /// <param name="records">Its records, or a part of them; they keep the rules of the format.</param>
    internal TraceStatistics(ReadOnlySpan<TraceRecord> records)
    {
        var pass = new Pass(this);
        for (int i = 0; i < records.Length; i++)
        {
            pass.Apply(records[i], i);
        }

        pass.End(records.Length);
        Records = records.Length;
        Lives = Spread.Of(_lives);
        Uses = Spread.Of(_uses);
    }

    /// <summary>All records.</summary>
    internal long Records { get; }

    /// <summary>Maps by their pages of 4 KiB.</summary>
    internal IReadOnlyDictionary<uint, long> MapSizes => _mapSizes;

    /// <summary>Translations by the page size, in pages of 4 KiB, that answered them.</summary>
    internal IReadOnlyDictionary<uint, long> PageSizes => _pageSizes;

    /// <summary>The bytes of all maps together.</summary>
    internal ulong MappedBytes { get; private set; }

    /// <summary>The most mappings that were alive at one time.</summary>
    internal int PeakLiveMappings { get; private set; }

    /// <summary>The most bytes that were mapped at one time.</summary>
    internal ulong PeakLiveBytes { get; private set; }

    /// <summary>The mappings that were never unmapped.</summary>
    internal int LeftMappings { get; private set; }

    /// <summary>The mappings that no device used.</summary>
    internal long UnusedMappings { get; private set; }

    /// <summary>The records from a map to its unmap, of mappings that were unmapped.</summary>
    internal Spread Lives { get; }

    /// <summary>The translations of each mapping.</summary>
    internal Spread Uses { get; }

    /// <summary>The translations whose page was translated before, since it was mapped: what a cache without limits would answer.</summary>
    internal long Reuses { get; private set; }

    /// <summary>The translations in the page that the same device had translated directly before.</summary>
    internal long Repeats { get; private set; }

    /// <summary>The translations that no mapping covers.</summary>
    internal long Uncovered { get; private set; }

    /// <summary>The domains with maps or unmaps.</summary>
    internal int Domains { get; private set; }

    /// <summary>The devices that translated.</summary>
    internal int Devices { get; private set; }

    /// <summary>The records of one kind.</summary>
    /// <param name="op">The kind.</param>
    /// <returns>The number.</returns>
    internal long Count(TraceOp op) => _counts[(int)op];

    /// <summary>The ratio of two numbers, or zero when there is nothing to divide by.</summary>
    internal static double Per(double part, double whole) => whole == 0 ? 0 : part / whole;

    /// <summary>Where numbers lie.</summary>
    /// <param name="Mean">Their mean.</param>
    /// <param name="Median">As many are below as above.</param>
    /// <param name="Ninety">Nine of ten are not above.</param>
    /// <param name="Most">The largest.</param>
    internal readonly record struct Spread(double Mean, long Median, long Ninety, long Most)
    {
        internal static Spread Of(List<long> numbers)
        {
            if (numbers.Count == 0)
            {
                return default;
            }

            numbers.Sort();
            return new Spread(numbers.Average(), numbers[numbers.Count / 2], numbers[numbers.Count * 9 / 10], numbers[^1]);
        }
    }

    /// <summary>One mapping while it lives.</summary>
    private sealed class Mapping(ulong first, ulong last, long born)
    {
        private readonly HashSet<ulong> _pages = [];

        internal ulong First { get; } = first;

        internal ulong Last { get; set; } = last;

        internal long Born { get; } = born;

        internal long Uses { get; private set; }

        /// <summary>Counts a translation.</summary>
        /// <returns>Whether its page was used before.</returns>
        internal bool Use(ulong page)
        {
            Uses++;
            return !_pages.Add(page);
        }
    }

    /// <summary>The mappings of one domain, sorted by their first byte.</summary>
    private sealed class Living
    {
        private readonly List<ulong> _firsts = [];
        private readonly List<Mapping> _mappings = [];

        internal IReadOnlyList<Mapping> Mappings => _mappings;

        internal void Add(Mapping mapping)
        {
            int at = _firsts.BinarySearch(mapping.First);
            at = at < 0 ? ~at : at;
            _firsts.Insert(at, mapping.First);
            _mappings.Insert(at, mapping);
        }

        internal Mapping? Find(ulong iova)
        {
            int at = _firsts.BinarySearch(iova);
            at = at < 0 ? ~at - 1 : at;
            return at >= 0 && _mappings[at].Last >= iova ? _mappings[at] : null;
        }

        /// <summary>Takes a range out. A mapping that begins before it keeps what lies before it.</summary>
        /// <param name="first">The first byte.</param>
        /// <param name="last">The last byte.</param>
        /// <param name="ended">Receives the mappings that ended.</param>
        /// <returns>The bytes that were mapped there.</returns>
        internal ulong Remove(ulong first, ulong last, List<Mapping> ended)
        {
            ulong bytes = 0;
            if (first > 0 && Find(first) is { } before && before.First < first)
            {
                bytes += Math.Min(before.Last, last) - first + 1;
                before.Last = first - 1;
            }

            int at = _firsts.BinarySearch(first);
            at = at < 0 ? ~at : at;
            int end = at;
            while (end < _firsts.Count && _firsts[end] <= last)
            {
                bytes += _mappings[end].Last - _mappings[end].First + 1;
                ended.Add(_mappings[end]);
                end++;
            }

            _firsts.RemoveRange(at, end - at);
            _mappings.RemoveRange(at, end - at);
            return bytes;
        }
    }

    /// <summary>The state while the records go by.</summary>
    private sealed class Pass(TraceStatistics sum)
    {
        private readonly Dictionary<ushort, Living> _domains = [];
        private readonly Dictionary<ushort, ushort> _attachedTo = [];
        private readonly Dictionary<ushort, ulong> _lastPage = [];
        private readonly List<Mapping> _ended = [];
        private int _alive;
        private ulong _aliveBytes;

        internal void Apply(in TraceRecord record, long at)
        {
            sum._counts[(int)record.Op]++;
            switch (record.Op)
            {
                case TraceOp.Map:
                    Map(record, at);
                    break;
                case TraceOp.Unmap:
                    Unmap(record, at);
                    break;
                case TraceOp.Translate:
                    Translate(record);
                    break;
                case TraceOp.Attach:
                    _attachedTo[record.Device] = record.Domain;
                    break;
                case TraceOp.Detach:
                    _attachedTo.Remove(record.Device);
                    break;
                default:
                    break;
            }
        }

        internal void End(long at)
        {
            sum.LeftMappings = _alive;
            sum.Domains = _domains.Count;
            sum.Devices = _lastPage.Count;
            foreach (Mapping mapping in _domains.Values.SelectMany(domain => domain.Mappings))
            {
                Close(mapping);
            }
        }

        private void Map(in TraceRecord record, long at)
        {
            sum._mapSizes[record.Length] = sum._mapSizes.GetValueOrDefault(record.Length) + 1;
            sum.MappedBytes += record.ByteLength;
            Domain(record.Domain).Add(new Mapping(record.Iova, record.Iova + (record.ByteLength - 1), at));
            _alive++;
            _aliveBytes += record.ByteLength;
            sum.PeakLiveMappings = Math.Max(sum.PeakLiveMappings, _alive);
            sum.PeakLiveBytes = Math.Max(sum.PeakLiveBytes, _aliveBytes);
        }

        private void Unmap(in TraceRecord record, long at)
        {
            _ended.Clear();
            _aliveBytes -= Domain(record.Domain).Remove(record.Iova, record.Iova + (record.ByteLength - 1), _ended);
            _alive -= _ended.Count;
            foreach (Mapping mapping in _ended)
            {
                sum._lives.Add(at - mapping.Born);
                Close(mapping);
            }
        }

        private void Translate(in TraceRecord record)
        {
            sum._pageSizes[record.Length] = sum._pageSizes.GetValueOrDefault(record.Length) + 1;
            ulong page = record.Iova >> TraceRecord.PageLg2;
            sum.Repeats += _lastPage.TryGetValue(record.Device, out ulong last) && last == page ? 1 : 0;
            _lastPage[record.Device] = page;
            if (_attachedTo.TryGetValue(record.Device, out ushort domain) && Domain(domain).Find(record.Iova) is { } mapping)
            {
                sum.Reuses += mapping.Use(page) ? 1 : 0;
            }
            else
            {
                sum.Uncovered++;
            }
        }

        private void Close(Mapping mapping)
        {
            sum._uses.Add(mapping.Uses);
            sum.UnusedMappings += mapping.Uses == 0 ? 1 : 0;
        }

        private Living Domain(ushort index)
        {
            if (!_domains.TryGetValue(index, out Living? domain))
            {
                domain = new Living();
                _domains.Add(index, domain);
            }

            return domain;
        }
    }
}
