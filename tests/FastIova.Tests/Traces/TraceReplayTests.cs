using Xunit;

namespace FastIova.Tests;

/// <summary>Replays a trace against one dictionary entry per page, which proves the trace and tells replaying programs what to expect.</summary>
public sealed class TraceReplayTests
{
    [Theory]
    [InlineData("ext4_tree_strict")]
    [InlineData("nvme_deep128k_lazy")]
    public void EveryTranslationAgreesWithTheMappings(string name)
    {
        DmaTrace trace = DmaTrace.Load(ShippedTraces.Find(name));
        var model = new PageModel();
        model.Replay(trace.Records);
        Assert.Empty(model.Violations);
        Assert.Equal(trace.Header.PeakLivePages, model.PeakLivePages);
        Assert.Equal(trace.Header.Count(TraceOp.Translate), model.Translations);
    }

    [Fact]
    public void TheModelSeesALostMapAChangedAddressAndALostInvalidation()
    {
        TraceRecord[] records = DmaTrace.Load(ShippedTraces.Find("ext4_tree_strict")).Records.ToArray();
        int map = Array.FindLastIndex(records, record => record.Op == TraceOp.Map);
        int translate = Array.FindLastIndex(records, record => record.Op == TraceOp.Translate);
        int flush = Array.FindIndex(records, record => record.Op == TraceOp.InvalidateRange);
        TraceRecord moved = records[translate];

        Assert.True(Violations([.. records[..map], .. records[(map + 1)..]]).ContainsKey("translate"));
        Assert.True(Violations([.. records[..translate], new(moved.Op, moved.Flags, moved.Id, moved.Length, moved.Iova, moved.Address ^ 0x1000), .. records[(translate + 1)..]]).ContainsKey("translate"));
        Assert.True(Violations([.. records[..flush], .. records[(flush + 1)..]]).ContainsKey("map before invalidation"));
    }

    private static SortedDictionary<string, int> Violations(TraceRecord[] records)
    {
        var model = new PageModel();
        model.Replay(records);
        return model.Violations;
    }

    private sealed class PageModel
    {
        private readonly Dictionary<(ushort Domain, ulong Page), (ulong Page, byte Allowed)> _live = [];
        private readonly HashSet<(ushort Domain, ulong Page)> _stale = [];
        private readonly Dictionary<ushort, ushort> _attachedTo = [];

        internal SortedDictionary<string, int> Violations { get; } = new(StringComparer.Ordinal);

        internal int PeakLivePages { get; private set; }

        internal int Translations { get; private set; }

        internal void Replay(ReadOnlySpan<TraceRecord> records)
        {
            foreach (ref readonly TraceRecord record in records)
            {
                Apply(record);
            }
        }

        private void Apply(in TraceRecord record)
        {
            ulong page = record.Iova >> 12;
            switch (record.Op)
            {
                case TraceOp.Map:
                    for (uint i = 0; i < record.Length; i++)
                    {
                        Expect(_live.TryAdd((record.Domain, page + i), ((record.Address >> 12) + i, record.Flags)), "map over a live page");
                        Expect(!_stale.Contains((record.Domain, page + i)), "map before invalidation");
                    }

                    PeakLivePages = int.Max(PeakLivePages, _live.Count);
                    break;
                case TraceOp.Unmap:
                    for (uint i = 0; i < record.Length; i++)
                    {
                        Expect(_live.Remove((record.Domain, page + i)), "unmap of a hole");
                        _stale.Add((record.Domain, page + i));
                    }

                    break;
                case TraceOp.Translate:
                    Translations++;
                    bool found = _live.TryGetValue((_attachedTo[record.Device], page), out (ulong Page, byte Allowed) to);
                    Expect(found && to.Page == record.Address >> 12 && (record.Flags & 3 & ~to.Allowed) == 0, "translate");
                    break;
                case TraceOp.InvalidateRange:
                    for (uint i = 0; i < record.Length; i++)
                    {
                        _stale.Remove((record.Domain, page + i));
                    }

                    break;
                case TraceOp.InvalidateDomain:
                    ushort domain = record.Domain;
                    _stale.RemoveWhere(stale => domain == TraceRecord.UnknownDomain || stale.Domain == domain);
                    break;
                case TraceOp.InvalidateGlobal:
                    _stale.Clear();
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

        private void Expect(bool kept, string rule)
        {
            if (!kept)
            {
                Violations[rule] = Violations.GetValueOrDefault(rule) + 1;
            }
        }
    }
}
