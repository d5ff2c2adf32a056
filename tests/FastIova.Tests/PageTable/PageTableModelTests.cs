using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

/// <summary>Random changes of every shape of table, compared with <see cref="PageModel"/> after each step by every way to walk.</summary>
public sealed unsafe class PageTableModelTests
{
    private const ulong Top48 = (1UL << 48) - 1;
    private const ulong Top57 = (1UL << 57) - 1;

    public enum Shape
    {
        Radix4K,
        Radix2K,
        Radix16K,
        Radix64K,
        Linear4K,
        Linear2K,
        Linear64K,
    }

    public static TheoryData<Shape, ulong, ulong, int, int> Cases
    {
        get
        {
            var cases = new TheoryData<Shape, ulong, ulong, int, int>();
            int seed = 100;
            foreach (Shape shape in Enum.GetValues<Shape>())
            {
                foreach ((ulong first, ulong last) in new[] { (0UL, Top48), (0UL, Top57), (0x7000UL, (1UL << 41) + 0x12345UL), (0x4_0000_0000UL, Top57), (0x8_0000UL, 0x3FFF_FFFFUL) })
                {
                    if (IsLinear(shape) && last > Top48)
                    {
                        continue;
                    }

                    cases.Add(shape, first, last, 63, seed++);
                }

                if (!IsLinear(shape))
                {
                    // No huge pages; no large pages.
                    cases.Add(shape, 0, Top48, LargeLg2(shape), seed++);
                    cases.Add(shape, 0, Top48, GranuleLg2(shape), seed++);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EveryWalkAgreesWithTheModelAfterEveryChange(Shape shape, ulong first, ulong last, int largestLg2, int seed) =>
        Seeded.Run(seed, random =>
        {
            using var run = new ModelRun(shape, new IovaSpan(first, last), largestLg2, random);
            int steps = shape is Shape.Radix16K or Shape.Radix64K ? 100 : 150;
            for (int i = 0; i < steps; i++)
            {
                run.Step();
                run.Compare();
            }

            run.UnmapAll();
        });

    private static bool IsLinear(Shape shape) => shape >= Shape.Linear4K;

    private static int GranuleLg2(Shape shape) => shape switch
    {
        Shape.Radix2K or Shape.Linear2K => 11,
        Shape.Radix16K => 14,
        Shape.Radix64K or Shape.Linear64K => 16,
        _ => 12,
    };

    private static int LargeLg2(Shape shape) => GranuleLg2(shape) + LeafLg2(shape);

    private static int LeafLg2(Shape shape) => shape switch
    {
        Shape.Radix16K => 11,
        Shape.Radix64K => 13,
        _ => 9,
    };

    private static PageTable Create(Shape shape, IovaSpan aperture, int largestLg2) => shape switch
    {
        Shape.Radix2K => new RadixTable<Granule2K>(aperture, Math.Min(largestLg2, 62), hugePages: false),
        Shape.Radix16K => new RadixTable<Granule16K>(aperture, Math.Min(largestLg2, 62), hugePages: false),
        Shape.Radix64K => new RadixTable<Granule64K>(aperture, Math.Min(largestLg2, 62), hugePages: false),
        Shape.Linear4K => new LinearTable<Granule4K>(aperture, hugePages: false),
        Shape.Linear2K => new LinearTable<Granule2K>(aperture, hugePages: false),
        Shape.Linear64K => new LinearTable<Granule64K>(aperture, hugePages: false),
        _ => new RadixTable<Granule4K>(aperture, Math.Min(largestLg2, 62), hugePages: false),
    };

    private struct GranuleSink(int granuleLg2, IovaSpan span) : IDirtySink
    {
        internal readonly List<ulong> Found { get; } = [];

        public readonly void Add(ulong iova, int pageLg2)
        {
            ulong granuleMask = (1UL << granuleLg2) - 1;
            ulong first = Math.Max(iova, span.First & ~granuleMask);
            ulong last = Math.Min(iova + ((1UL << pageLg2) - 1), span.Last);
            for (ulong at = first; at <= last; at += granuleMask + 1)
            {
                Found.Add(at);
            }
        }
    }

    private sealed class ModelRun : IDisposable
    {
        private readonly Random _random;
        private readonly IovaSpan _aperture;
        private readonly PageTable _table;
        private readonly PageModel _model;
        private readonly BatchWalk.Walks[] _walks;
        private readonly int _granuleLg2;
        private readonly int _largeLg2;
        private readonly int _hugeLg2;
        private readonly bool _granulesOnly;
        private readonly ulong[] _regions;
        private readonly List<ulong> _hot = [];

        internal ModelRun(Shape shape, IovaSpan aperture, int largestLg2, Random random)
        {
            _random = random;
            _aperture = aperture;
            _granuleLg2 = GranuleLg2(shape);
            _largeLg2 = LargeLg2(shape);
            _hugeLg2 = _largeLg2 + LeafLg2(shape);
            _granulesOnly = IsLinear(shape) || largestLg2 < _largeLg2;
            _table = Create(shape, aperture, largestLg2);

            // A size that the table may not choose stands above every address.
            _model = new PageModel(
                aperture,
                _granuleLg2,
                _granulesOnly ? 61 : _largeLg2,
                _granulesOnly || largestLg2 < _hugeLg2 ? 62 : _hugeLg2);
            _walks = [.. Widths.Supported.Select(width => BatchWalk.Of(_table, width))];
            ulong hugeMask = (1UL << _hugeLg2) - 1;
            _regions =
            [
                aperture.First & ~hugeMask,
                ((aperture.First / 2) + (aperture.Last / 2)) & ~hugeMask,
                aperture.Last & ~hugeMask,
                (aperture.Last & ~hugeMask) - Math.Min(aperture.Last & ~hugeMask, hugeMask + 1),
            ];
        }

        private ulong Granule => 1UL << _granuleLg2;

        public void Dispose() => _table.Dispose();

        internal void Step()
        {
            _hot.Clear();
            switch (_random.Next(12))
            {
                case 0 or 1 or 2 or 3:
                    Map();
                    break;
                case 4 or 5:
                    MapScattered();
                    break;
                case 6 or 7:
                    Unmap();
                    break;
                case 8:
                    Protect();
                    break;
                case 9:
                    MarkDirty();
                    break;
                case 10:
                    TakeDirty();
                    break;
                default:
                    Trim();
                    break;
            }
        }

        internal void Compare()
        {
            ulong[] iovas = Sample();
            Assert.Equal(_model.MappedBytes, _table.MappedBytes);
            foreach (ulong iova in iovas)
            {
                PtWord word = _table.Walk(iova, out int pageLg2);
                if (!_model.TryFind(iova, out ModelPage page))
                {
                    Assert.True(word.IsAbsent && pageLg2 == _granuleLg2, $"0x{iova:x} is not mapped; the walk says {word}, 2^{pageLg2}.");
                    continue;
                }

                ulong wordMask = (1UL << page.Lg2) - 1;
                Assert.True(
                    word.IsPresent == (page.Host <= long.MaxValue) && word.IsRemote != word.IsPresent && word.Host + (iova & wordMask) == page.Host + (iova - page.First) && word.Permission == page.Permission
                        && word.IsDirty == page.Dirty && pageLg2 == _model.PageLg2(page),
                    $"0x{iova:x} is {page}; the walk says {word}, 2^{pageLg2}.");
            }

            var alike = (Permission)_random.Next(4);
            bool mixed = _random.Chance(50);
            Permission[] access = [.. iovas.Select(_ => mixed ? (Permission)_random.Next(4) : alike)];
            ulong dirty = _random.Chance(25) ? PtWord.Dirty : 0;
            ulong[] expected = [.. iovas.Select((iova, i) => Expected(iova, access[i], dirty))];

            // Bits that are no permission change nothing.
            Permission[] asked = [.. access.Select(a => mixed ? a | (Permission)(_random.Next(64) << 2) : a)];
            ulong[] hosts = new ulong[iovas.Length];
            ulong[] next = Sample()[.._random.Next(40)];
            fixed (ulong* from = iovas, to = hosts, ahead = next)
            fixed (Permission* wants = asked)
            {
                for (int i = 0; i < _walks.Length; i++)
                {
                    hosts.AsSpan().Fill(ulong.MaxValue);
                    bool good = _walks[i].Run(from, to, wants, iovas.Length, dirty);
                    AssertBatch(iovas, expected, hosts, good, i);
                    hosts.AsSpan().Fill(ulong.MaxValue);
                    good = _walks[i].RunAhead(from, to, wants, iovas.Length, dirty, ahead, next.Length, _random.Chance(50));
                    AssertBatch(iovas, expected, hosts, good, i);
                }
            }
        }

        internal void UnmapAll()
        {
            ulong granuleMask = Granule - 1;
            var inside = new IovaSpan((_aperture.First + granuleMask) & ~granuleMask, ((_aperture.Last + 1) & ~granuleMask) - 1);
            ulong mapped = _table.MappedBytes;
            Assert.Equal(MapStatus.Success, _table.Unmap(inside, out ulong bytes));
            Assert.Equal(mapped, bytes);
            Assert.Equal(0UL, _table.MappedBytes);
            _table.Trim();
            _table.ReleaseDetached(_table.DetachedEver);
            Assert.Equal(_table.DetachedEver, _table.ReleasedEver);
            Assert.Equal(0UL, _table.FramesInUse);
            Assert.Equal(0UL, _table.BytesTouched);
        }

        private static void AssertBatch(ulong[] iovas, ulong[] expected, ulong[] hosts, bool good, int width)
        {
            for (int i = 0; i < iovas.Length; i++)
            {
                Assert.True(
                    expected[i] == hosts[i],
                    $"{Widths.Supported[width]}: 0x{iovas[i]:x} (look-up {i} of {iovas.Length}) must give 0x{expected[i]:x} and gave 0x{hosts[i]:x}.");
            }

            Assert.Equal(!expected.Contains(0UL), good);
        }

        private ulong Expected(ulong iova, Permission access, ulong dirty) =>
            _model.TryFind(iova, out ModelPage page) && page.Host <= long.MaxValue && (page.Permission & access) == access && (dirty == 0 || page.Dirty || (access & Permission.Write) == Permission.None)
                ? page.Host + (iova - page.First)
                : 0;

        private void Map()
        {
            IovaSpan span = NextSpan();
            ulong host = NextHost(span);
            var permission = (Permission)_random.Next(1, 4);
            switch (_random.Next(25))
            {
                case 0:
                    span = span with { First = span.First + 1, Last = Math.Max(span.Last, span.First + 1) };
                    break;
                case 1:
                    span = span with { Last = span.Last + (Granule / 2) };
                    break;
                case 2:
                    host += 1;
                    break;
                case 3:
                    host = 0;
                    break;
                case 4:
                    host = 0 - Granule;
                    break;
                case 5:
                    permission = Permission.None;
                    break;
                case 6:
                    permission = (Permission)4;
                    break;
                case 7:
                    span = new IovaSpan(_aperture.Last + 1, _aperture.Last + Granule);
                    break;
                case 8:
                    span = new IovaSpan(ulong.MaxValue - Granule + 1, ulong.MaxValue);
                    break;
            }

            Remember(span);
            Refusable(_model.Map(span, host, permission), () => _table.Map(span, host, permission));
        }

        private void MapScattered()
        {
            int count = _random.Pick(1, 2, 7, 63, 64, 65, 130);
            ulong region = _random.Pick<ulong>(_regions);
            var distinct = new HashSet<ulong>();
            while (distinct.Count < count)
            {
                distinct.Add(region + ((ulong)_random.Next(3 * count) * Granule * _random.Pick(1UL, 1UL, 17UL)));
            }

            ulong[] iovas = [.. distinct];
            ulong[] hosts = [.. iovas.Select(_ => ((ulong)_random.NextInt64(1, 1L << 40)) << _granuleLg2)];
            var permission = (Permission)_random.Next(1, 4);
            int spoiled = _random.Next(count);
            switch (_random.Next(12))
            {
                case 0:
                    iovas[spoiled] = iovas[_random.Next(count)]; // perhaps twice in the list
                    break;
                case 1:
                    iovas[spoiled] += 8;
                    break;
                case 2:
                    hosts[spoiled] += 8;
                    break;
                case 3:
                    iovas[spoiled] = (_aperture.Last + 1) & ~(Granule - 1); // the granule in which the aperture ends, or the next one
                    break;
                case 4:
                    hosts[spoiled] = 0;
                    break;
                case 5:
                    permission = _random.Pick(Permission.None, (Permission)5);
                    break;
                case 6:
                    iovas[spoiled] = ulong.MaxValue - Granule + 1;
                    break;
                case 7:
                    Assert.Equal(MapStatus.LengthsDiffer, _table.MapScattered(iovas, hosts.AsSpan(1), permission));
                    return;
            }

            foreach (ulong iova in iovas.Take(8))
            {
                _hot.Add(iova);
            }

            _hot.Add(iovas[spoiled]);
            _hot.Add(iovas[^1]);
            MapStatus expected = _model.MapScattered(iovas, hosts, permission);
            Refusable(expected, () => _table.MapScattered(iovas, hosts, permission), anyRefusal: true);
        }

        private void Unmap()
        {
            IovaSpan span = Spoil(NextSpan());
            Remember(span);
            MapStatus expected = _model.Unmap(span, out ulong bytes);
            Refusable(expected, () =>
            {
                if (_random.Chance(30))
                {
                    Assert.Equal(expected, _table.PrepareUnmap(span));
                }

                MapStatus status = _table.Unmap(span, out ulong unmapped);
                Assert.Equal(bytes, unmapped);
                return status;
            });
        }

        private void Protect()
        {
            IovaSpan span = Spoil(NextSpan());
            Remember(span);
            var permission = (Permission)_random.Next(_random.Chance(10) ? 0 : 1, _random.Chance(10) ? 6 : 4);
            MapStatus expected = _model.Protect(span, permission, out ulong bytes);
            Refusable(expected, () =>
            {
                MapStatus status = _table.Protect(span, permission, out ulong narrowed);
                Assert.Equal(bytes, narrowed);
                return status;
            });
        }

        private void MarkDirty()
        {
            for (int i = 0; i < 20 && _model.Pages.Count > 0; i++)
            {
                ModelPage page = _model.Pages[_random.Next(_model.Pages.Count)];
                ulong iova = page.First + (_random.NextWord() & ((1UL << page.Lg2) - 1));
                Assert.True(_walks[0].MarkDirty(iova));
                _model.MarkDirty(iova);
                _hot.Add(iova);
                _hot.Add(page.Last);
            }
        }

        private void TakeDirty()
        {
            IovaSpan span = NextSpan();
            if (_model.Pages.Where(page => page.Dirty).ToArray() is { Length: > 0 } dirty && _random.Chance(70))
            {
                // Across an end of a dirty page, or inside it.
                ModelPage page = _random.Pick<ModelPage>(dirty);
                ulong at = (page.First + (_random.NextWord() & ((1UL << page.Lg2) - 1))) & ~(Granule - 1);
                ulong length = (ulong)_random.Next(1, 1 << Math.Min(10, page.Lg2 - _granuleLg2 + 1)) * Granule;
                span = new IovaSpan(at, at + length - 1);
            }

            span = span with { Last = Math.Min(span.Last, _aperture.Last) };
            if (span.First > span.Last || span.First < _aperture.First)
            {
                return;
            }

            Remember(span);
            bool clear = _random.Chance(70);
            List<ulong> expected = _model.TakeDirty(span with { First = span.First & ~(Granule - 1), Last = span.Last | (Granule - 1) }, clear);
            var sink = new GranuleSink(_granuleLg2, span with { Last = span.Last | (Granule - 1) });
            _table.ScanDirty(span with { Last = span.Last | (Granule - 1) }, clear, ref sink);
            Assert.Equal(expected, sink.Found);
        }

        private void Trim()
        {
            ulong before = _table.DetachedEver;
            int trimmed = _table.Trim();
            Assert.Equal(before + (ulong)trimmed, _table.DetachedEver);
            Assert.Equal(0, _table.Trim());
            if (_random.Chance(70))
            {
                _table.ReleaseDetached(_table.DetachedEver);
                Assert.Equal(_table.DetachedEver, _table.ReleasedEver);
            }
        }

        /// <summary>Runs a change; when it is refused, nothing that a walk can see is different afterwards (P2).</summary>
        private void Refusable(MapStatus expected, Func<MapStatus> change, bool anyRefusal = false)
        {
            ulong[] sample = Sample();
            string Look() => string.Join('\n', sample.Select(iova => $"{_table.Walk(iova, out int pageLg2)} 2^{pageLg2}").Append($"{_table.MappedBytes}"));
            string before = Look();
            MapStatus status = change();
            if (anyRefusal && expected != MapStatus.Success)
            {
                Assert.NotEqual(MapStatus.Success, status);
            }
            else
            {
                Assert.Equal(expected, status);
            }

            if (expected != MapStatus.Success)
            {
                Assert.Equal(before, Look());
            }
        }

        private IovaSpan Spoil(IovaSpan span) => _random.Next(20) switch
        {
            0 => span with { First = span.First + 8 },
            1 => span with { Last = span.Last - 8 },
            2 => new IovaSpan(_aperture.Last + 1, _aperture.Last + Granule),
            3 when _aperture.First >= Granule => new IovaSpan((_aperture.First & ~(Granule - 1)) - Granule, span.Last),
            _ => span,
        };

        private IovaSpan NextSpan()
        {
            ulong large = 1UL << _largeLg2;
            ulong huge = 1UL << _hugeLg2;
            ulong at = _random.Pick<ulong>(_regions);
            at += (ulong)_random.Next(4) * large;
            at += _random.Chance(60) ? (ulong)_random.Next(1 << Math.Min(10, _largeLg2 - _granuleLg2)) * Granule : 0;
            ulong length;
            switch (_random.Next(_granulesOnly ? 6 : 10))
            {
                case 0 or 1 or 2:
                    length = (ulong)_random.Next(1, 5) * Granule;
                    break;
                case 3 or 4:
                    length = (ulong)_random.Next(1, 600) * Granule;
                    break;
                case 5:
                    length = large * (ulong)_random.Next(1, 3);
                    break;
                case 6 or 7:
                    length = (large * (ulong)_random.Next(1, 6)) + ((ulong)_random.Next(3) * Granule);
                    break;
                case 8:
                    at &= ~(huge - 1);
                    length = huge + (_random.Chance(50) ? Granule : 0);
                    break;
                default:
                    at &= ~(large - 1);
                    length = huge;
                    break;
            }

            // The first whole granule of the aperture, when it would begin before.
            at = Math.Max(at, _random.Chance(90) ? (_aperture.First + Granule - 1) & ~(Granule - 1) : 0);
            return _random.Chance(15) && at + length > _aperture.Last
                ? new IovaSpan(at, Math.Max(((_aperture.Last + 1) & ~(Granule - 1)) - 1, at + Granule - 1))
                : new IovaSpan(at, at + length - 1);
        }

        private ulong NextHost(IovaSpan span)
        {
            // Aligned to the iova for large or huge pages, or only to a granule when the span is short enough to list.
            ulong large = 1UL << _largeLg2;
            ulong huge = 1UL << _hugeLg2;
            bool shortEnough = _granulesOnly || span.LengthLessOne < 4 * large;
            ulong step = shortEnough && _random.Chance(40) ? Granule : _random.Chance(50) ? large : huge;
            ulong host = (_random.NextWord() & ((1UL << 55) - 1) & ~(step - 1)) | (span.First & (step - 1) & ~(Granule - 1));

            // One in eight lies in another process: mapped in every way, and translated by none.
            return (host == 0 ? huge : host) | ((host >> 40 & 7) == 0 ? 1UL << 63 : 0);
        }

        private void Remember(IovaSpan span)
        {
            _hot.AddRange([span.First, span.Last, span.First - 1, span.Last + 1, (span.First + span.Last) / 2]);
            _hot.Add(span.First | ((1UL << _largeLg2) - 1));
            _hot.Add(span.Last & ~((1UL << _largeLg2) - 1));
        }

        private ulong[] Sample()
        {
            var iovas = new List<ulong>(_hot) { 0, _aperture.First, _aperture.First - 1, _aperture.Last, _aperture.Last + 1, ulong.MaxValue };
            for (int i = 0; i < 40; i++)
            {
                iovas.Add(_random.Pick<ulong>(_regions) + ((ulong)_random.NextInt64() & ((4UL << _largeLg2) - 1)));
                if (_model.Pages.Count > 0)
                {
                    ModelPage page = _model.Pages[_random.Next(_model.Pages.Count)];
                    iovas.AddRange(page.First, page.Last, page.First - 1, page.Last + 1, page.First + ((ulong)_random.NextInt64() & ((1UL << page.Lg2) - 1)));

                    // Not canonical: the bits of a mapped address with garbage above the aperture.
                    if (i < 3)
                    {
                        iovas.Add(page.First | (1UL << _random.Next(57, 64)));
                    }
                }
            }

            ulong[] sample = [.. iovas];
            _random.Shuffle(sample);
            return sample;
        }
    }
}
