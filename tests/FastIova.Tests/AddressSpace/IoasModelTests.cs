using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.AddressSpace;

/// <summary>Random operations on two address spaces that share pages, each answer and each state against the model.</summary>
public sealed class IoasModelTests
{
    [Theory]
    [InlineData(31, 0)]
    [InlineData(32, 0)]
    [InlineData(33, 0)]
    [InlineData(34, 1)]
    [InlineData(35, 1)]
    [InlineData(36, 2)]
    [InlineData(37, 2)]
    [InlineData(38, 3)]
    [InlineData(39, 3)]
    [InlineData(40, 0)]
    [InlineData(41, 1)]
    [InlineData(42, 2)]
    public void EveryAnswerAndEveryStateIsTheModels(int seed, int ground) => Seeded.Run(seed, random =>
    {
        using var run = new Run(random, ground);
        for (int step = 0; step < 800; step++)
        {
            run.Step();
            run.Compare();
        }
    });

    private sealed class Run : IDisposable
    {
        private const ulong MemoryPages = 48;
        private const long LimitPages = 60;

        private readonly Random _random;
        private readonly ulong _origin;
        private readonly bool _topOfSpace;
        private readonly Iommu _iommu = new();
        private readonly ScatteredMemory _memory;
        private readonly MemoryTally _user = new();
        private readonly PinOwner _owner;
        private readonly IoasPair[] _pairs = [new(), new()];
        private readonly List<ModelPages> _allPages = [];
        private readonly object _someone = new();

        internal Run(Random random, int ground)
        {
            _random = random;
            _topOfSpace = ground == 3;
            _origin = ground switch
            {
                0 => 0x1000000,
                1 => 0,
                2 => (1UL << 57) - 0x60000,
                _ => ulong.MaxValue - 0x5ffff,
            };
            _memory = new ScatteredMemory(MemoryPages) { RunPages = random.Pick(1UL, 4UL, 16UL, 1000UL) };
            _owner = new PinOwner(_memory, _user, () => LimitPages, AccountMode.User);
        }

        private long Room => LimitPages - _allPages.Sum(p => (long)p.Pinned.Count());

        public void Dispose()
        {
            foreach (IoasPair pair in _pairs)
            {
                pair.Dispose();
            }

            Assert.Equal(new int[MemoryPages], _memory.Pins.ToArray());
            Assert.Equal((0, 0), (_user.LockedPages, _memory.Tally.PinnedPages));
            _memory.Dispose();
            _iommu.Dispose();
        }

        internal void Step()
        {
            IoasPair pair = _random.Pick(_pairs);
            switch (_random.Next(24))
            {
                case <= 6:
                    Map(pair);
                    break;
                case <= 9:
                    Copy(pair);
                    break;
                case <= 12:
                    Unmap(pair);
                    break;
                case 13:
                    Cut(pair);
                    break;
                case 14:
                    Reserve(pair);
                    break;
                case 15:
                    Allow(pair);
                    break;
                case 16:
                    Option(pair);
                    break;
                case 17 or 18:
                    Domain(pair);
                    break;
                case 19:
                    Access(pair);
                    break;
                case 20 or 21:
                    Pin(pair);
                    break;
                case 22:
                    ReadOrWrite(pair);
                    break;
                default:
                    _memory.Repair();
                    if (_random.Chance(60))
                    {
                        _memory.MakeHole((ulong)_random.Next((int)MemoryPages));
                        _memory.MakeReadOnly((ulong)_random.Next((int)MemoryPages));
                    }

                    break;
            }
        }

        internal void Compare()
        {
            int[] pins = new int[MemoryPages];
            foreach (ModelPages pages in _allPages)
            {
                foreach (ulong page in pages.Pinned)
                {
                    pins[page]++;
                }
            }

            Assert.Equal(pins, _memory.Pins.ToArray());
            Assert.Equal((pins.Sum(), pins.Sum()), (_user.LockedPages, _memory.Tally.PinnedPages));
            ulong some = (ulong)_random.Next((int)MemoryPages);
            Assert.Equal(pins[some], PinLedger.CountPins(new PageIdentity(_memory.PrivateOwner, ScatteredMemory.Start + (some << 12))));
            foreach (IoasPair pair in _pairs)
            {
                Assert.Equal(pair.Model.Alignment, pair.Ioas.Alignment);
                Assert.Equal(pair.Model.NoLargePages, pair.Ioas.IsLargePagesDisabled);
                Assert.Equal(pair.Model.Areas.Select(a => a.Span).OrderBy(s => s.First), pair.Ioas.AreaSpans());
                var ranges = new List<IovaSpan>();
                pair.Ioas.Ranges(ranges);
                Assert.Equal(pair.Model.Ranges(), ranges);
                foreach (Domain domain in pair.Domains)
                {
                    CompareWords(pair, domain);
                }
            }
        }

        private void CompareWords(IoasPair pair, Domain domain)
        {
            ulong granule = 1UL << (int)domain.Options.Granule;
            ulong bytes = 0;
            foreach (ModelArea area in pair.Model.Areas)
            {
                bytes += area.Span.LengthLessOne + 1;
                foreach (ulong iova in new[] { area.Span.First, area.Span.Last, area.Span.First + (_random.NextWord() % (area.Span.LengthLessOne + 1)) })
                {
                    Assert.True(domain.TryFrameAt(iova, out Frame frame, out ulong offset, out Permission permission), $"0x{iova:x} of {area} is mapped in every domain.");
                    Assert.Equal((area.Pages.FrameOf(area.StartByteOf(iova)), area.Permission), (new Frame(frame.Word + offset), permission));
                }
            }

            Assert.Equal(bytes, domain.MappedBytes);
            Assert.Equal(0UL, bytes & (granule - 1));
        }

        private void Map(IoasPair pair)
        {
            ulong grain = _random.Chance(90) ? Math.Max(pair.Ioas.Alignment, _random.Pick(1UL, 2048UL, 4096UL)) : 1;
            ulong start = ScatteredMemory.Start + (Word(MemoryPages << 12) & ~(grain - 1));
            ulong length = Math.Max(1, Word(8 << 12) & ~(grain - 1));
            Permission permission = _random.Pick(Permission.Read, Permission.ReadWrite, Permission.ReadWrite, Permission.None);
            bool isFixed = _random.Chance(60);
            ulong iova = Iova(grain);
            ulong expectedIova = iova;
            var pages = new ModelPages(_memory, start, (permission & Permission.Write) != Permission.None, () => Room);
            _allPages.Add(pages);
            IoasStatus expected = pair.Model.Map(pages, start & 4095, length, ref expectedIova, permission, isFixed);
            Assert.Equal(expected, pair.Ioas.Map(_owner, start, length, ref iova, permission, isFixed));
            if (expected == IoasStatus.Success)
            {
                Assert.Equal(expectedIova, iova);
            }
            else
            {
                _allPages.Remove(pages);
            }
        }

        private void Copy(IoasPair pair)
        {
            IoasPair source = _random.Pick(_pairs);
            ulong from = Iova(Math.Max(source.Ioas.Alignment, _random.Pick(1UL, 4096UL)));
            ulong length = Word(8 << 12) & ~(Math.Max(pair.Ioas.Alignment, _random.Pick(1UL, 4096UL)) - 1);
            if (source.Model.Areas.Count != 0 && _random.Chance(60))
            {
                ModelArea area = source.Model.Areas[_random.Next(source.Model.Areas.Count)];
                from = area.Span.First;
                length = area.Span.LengthLessOne + 1;
            }

            Permission permission = _random.Pick(Permission.Read, Permission.ReadWrite);
            bool isFixed = _random.Chance(60);
            ulong iova = Iova(pair.Ioas.Alignment);
            ulong expectedIova = iova;
            IoasStatus expected = pair.Model.Copy(source.Model, from, length, ref expectedIova, permission, isFixed);
            Assert.Equal(expected, pair.Ioas.Copy(source.Ioas, from, length, ref iova, permission, isFixed));
            if (expected == IoasStatus.Success)
            {
                Assert.Equal(expectedIova, iova);
            }
        }

        private void Unmap(IoasPair pair)
        {
            IovaSpan span = SomeSpan(pair);
            bool all = _random.Chance(4);
            pair.Accesses.ForEach(access => access.LetsGo = _random.Chance(70));
            var modelPins = pair.Accesses.Select(access => (access, pins: access.Pins.ToList())).ToList();
            IoasStatus expected = pair.Model.Unmap(
                all ? new IovaSpan(0, ulong.MaxValue) : span,
                asked =>
                {
                    foreach ((PinningAccess access, List<IovaSpan> pins) in modelPins.Where(m => m.access.LetsGo))
                    {
                        foreach (IovaSpan pin in pins.Where(p => p.Overlaps(asked)).ToList())
                        {
                            pair.Model.Unpin(pin);
                            pins.Remove(pin);
                        }
                    }
                },
                out ulong expectedBytes);
            ulong bytes;
            IoasStatus status = all ? pair.Ioas.UnmapAll(out bytes) : pair.Ioas.Unmap(span.First, span.LengthLessOne + 1, out bytes);
            Assert.Equal((expected, expectedBytes), (status, bytes));
            foreach ((PinningAccess access, List<IovaSpan> pins) in modelPins)
            {
                Assert.Equal(pins, access.Pins);
            }
        }

        private void Cut(IoasPair pair)
        {
            ulong iova = Iova(_random.Pick(1UL, 4096UL)) - 1;
            Assert.Equal(pair.Model.Cut(iova), pair.Ioas.Cut([iova]));
        }

        private void Reserve(IoasPair pair)
        {
            if (_random.Chance(40))
            {
                pair.Model.Unreserve(_someone);
                pair.Ioas.Unreserve(_someone);
                return;
            }

            IovaSpan span = SomeSpan(pair);
            Assert.Equal(pair.Model.Reserve(span, _someone), pair.Ioas.Reserve(span, _someone));
        }

        private void Allow(IoasPair pair)
        {
            List<IovaSpan> spans = [.. Enumerable.Range(0, _random.Next(4)).Select(_ => SomeSpan(pair))];
            Assert.Equal(pair.Model.SetAllowed(spans), pair.Ioas.SetAllowed([.. spans]));
        }

        private void Option(IoasPair pair)
        {
            if (_random.Chance(50))
            {
                Assert.Equal(pair.Model.DisableLargePages(), pair.Ioas.DisableLargePages());
            }
            else if (pair.Model.Domains.Count == 0)
            {
                pair.Model.EnableLargePages();
                pair.Ioas.EnableLargePages();
            }
        }

        private void Domain(IoasPair pair)
        {
            if (_topOfSpace)
            {
                return;
            }

            if (pair.Domains.Count != 0 && _random.Chance(50))
            {
                Domain gone = _random.Pick(pair.Domains.ToArray());
                pair.Domains.Remove(gone);
                pair.Model.RemoveDomain(gone);
                pair.Ioas.RemoveDomain(gone);
                Assert.Equal(0UL, gone.MappedBytes);
                gone.Dispose();
                return;
            }

            if (pair.Domains.Count < 3)
            {
                Domain domain = _iommu.CreateDomain(new DomainOptions
                {
                    Granule = _random.Pick(Granule.Size2K, Granule.Size4K),
                    Aperture = _random.Pick(new IovaSpan(0, (1UL << 57) - 1), new IovaSpan(0x1000000, (1UL << 57) - 1)),
                });
                IoasStatus expected = pair.Model.AddDomain(domain.Options.Aperture, 1UL << (int)domain.Options.Granule, domain);
                Assert.Equal(expected, pair.Ioas.AddDomain(domain));
                if (expected == IoasStatus.Success)
                {
                    pair.Domains.Add(domain);
                }
                else
                {
                    Assert.Equal(0UL, domain.MappedBytes);
                    domain.Dispose();
                }
            }
        }

        private void Access(IoasPair pair)
        {
            if (pair.Accesses.Count != 0 && _random.Chance(50))
            {
                PinningAccess gone = pair.Accesses[0];
                gone.Pins.ForEach(pair.Model.Unpin);
                gone.LetsGo = true;
                pair.Accesses.RemoveAt(0);
                pair.Model.RemoveAccess(gone.Alignment);
                gone.Attach(null);
                return;
            }

            if (pair.Accesses.Count < 3)
            {
                var access = new PinningAccess(_random.Pick(1UL, 4096UL));
                IoasStatus expected = pair.Model.AddAccess(access.Alignment);
                Assert.Equal(expected, access.Attach(pair.Ioas));
                if (expected == IoasStatus.Success)
                {
                    pair.Accesses.Add(access);
                }
            }
        }

        private void Pin(IoasPair pair)
        {
            if (pair.Accesses.Count == 0)
            {
                return;
            }

            PinningAccess access = _random.Pick(pair.Accesses.ToArray());
            if (access.Pins.Count > 3)
            {
                IovaSpan gone = access.Pins[0];
                access.Pins.RemoveAt(0);
                pair.Model.Unpin(gone);
                access.Unpin(gone.First, gone.LengthLessOne + 1);
                return;
            }

            IovaSpan span = SomeSpan(pair);
            bool write = _random.Chance(50);
            var expectedFrames = new List<(ModelPages Pages, ulong Page)>();
            IoasStatus expected = pair.Model.Pin(span, write, expectedFrames);
            var frames = new Frame[(span.LengthLessOne >> 12) + 2 + (ulong)pair.Model.Areas.Count];
            Assert.Equal(expected, access.Pin(span.First, span.LengthLessOne + 1, write, frames));
            if (expected == IoasStatus.Success)
            {
                Assert.Equal(expectedFrames.Select(f => f.Pages.FrameOf(f.Page << 12)), frames[..expectedFrames.Count]);
                access.Pins.Add(span);
            }
        }

        private void ReadOrWrite(IoasPair pair)
        {
            if (pair.Accesses.Count == 0)
            {
                return;
            }

            _memory.Repair();
            PinningAccess access = pair.Accesses[0];
            IovaSpan span = SomeSpan(pair);
            byte[] bytes = new byte[(int)Math.Min(span.LengthLessOne + 1, 40_000)];
            _random.NextBytes(bytes);
            span = IovaSpan.Of(span.First, (ulong)bytes.Length);
            bool write = _random.Chance(50);
            MemorySpace? current = _random.Chance(50) ? null : OwnMemory.Instance;
            Permission wanted = write ? Permission.Write : Permission.Read;
            IoasStatus expected = IoasStatus.Success;
            ulong at = span.First;
            while (true)
            {
                if (!pair.Model.Maps(at, out ModelArea area))
                {
                    expected = IoasStatus.NotFound;
                    break;
                }

                if (area.PreventsAccess || (area.Permission & wanted) == Permission.None)
                {
                    expected = area.PreventsAccess ? IoasStatus.Invalid : IoasStatus.NotPermitted;
                    break;
                }

                // Memory was repaired, so that only what lies beyond its end cannot be copied.
                if (!area.Pages.IsInMemory(area.StartByteOf(Math.Min(area.Span.Last, span.Last))))
                {
                    expected = IoasStatus.BadAddress;
                    break;
                }

                if (area.Span.Last >= span.Last)
                {
                    break;
                }

                at = area.Span.Last + 1;
            }

            Assert.Equal(expected, write ? access.Write(span.First, bytes, current) : access.Read(span.First, bytes, current));
            for (int i = 0; expected == IoasStatus.Success && i < bytes.Length; i += 977)
            {
                Assert.True(pair.Model.Maps(span.First + (ulong)i, out ModelArea area));
                Frame frame = area.Pages.FrameOf(area.StartByteOf(span.First + (ulong)i));

                // What is mapped twice and written at both places holds the last.
                if (!write || i >= bytes.Length - 977)
                {
                    byte found = _memory.Bytes[(int)(frame.RemoteAddress - ScatteredMemory.Start)];
                    Assert.True(write || bytes[i] == found, $"Byte {i} of {span} must be {found} and is {bytes[i]}.");
                }
            }
        }

        private ulong Word(ulong below) => _random.NextWord() % below;

        private ulong Iova(ulong grain) => _origin + (Word(0x60000) & ~(grain - 1));

        private IovaSpan SomeSpan(IoasPair pair)
        {
            if (pair.Model.Areas.Count != 0 && _random.Chance(60))
            {
                IovaSpan span = _random.Pick(pair.Model.Areas.ToArray()).Span;
                IovaSpan other = _random.Pick(pair.Model.Areas.ToArray()).Span;
                span = new IovaSpan(Math.Min(span.First, other.First), Math.Max(span.Last, other.Last));
                return span.LengthLessOne > 4 << 20 ? other
                    : span.LengthLessOne > 9000 && _random.Chance(30) ? new IovaSpan(span.First + 4096, span.Last - 4096) : span;
            }

            ulong first = Iova(_random.Pick(1UL, 4096UL));
            return new IovaSpan(first, first + Math.Min(Word(8 << 12), ulong.MaxValue - first));
        }
    }
}
