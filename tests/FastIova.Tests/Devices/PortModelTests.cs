using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

/// <summary>
/// Ports with their caches on, against a model: after each change the addresses that were just cached are asked for again,
/// so that an entry or a hint that outlived its mapping, its permission or its dirty mark is seen at once.
/// </summary>
public sealed class PortModelTests
{
    private const ulong MemoryBytes = 1UL << 31;

    public static TheoryData<TableShape, Granule, ReaderKind, IsaWidth, int> Cases
    {
        get
        {
            var cases = new TheoryData<TableShape, Granule, ReaderKind, IsaWidth, int>();
            int seed = 300;
            foreach (IsaWidth width in Widths.Supported)
            {
                foreach (ReaderKind kind in Enum.GetValues<ReaderKind>())
                {
                    cases.Add(TableShape.TwoLevel, Granule.Size4K, kind, width, seed++);
                    cases.Add(TableShape.Linear, Granule.Size4K, kind, width, seed++);
                    cases.Add(TableShape.TwoLevel, Granule.Size2K, kind, width, seed++);
                    cases.Add(TableShape.TwoLevel, Granule.Size64K, kind, width, seed++);
                    cases.Add(TableShape.TwoLevel, Granule.Size16K, kind, width, seed++);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void NoAnswerOfAPortIsEverOlderThanTheLastChange(TableShape shape, Granule granule, ReaderKind kind, IsaWidth width, int seed) =>
        Seeded.Run(seed, random =>
        {
            using var run = new PortRun(shape, granule, kind, width, random);
            for (int i = 0; i < 120; i++)
            {
                run.Look();
                run.Change();
                run.LookAgain();
            }

            run.UnmapAll();
        });

    private sealed class PortRun : IDisposable
    {
        private readonly Random _random;
        private readonly Iommu _iommu = new();
        private readonly HostMemory _memory = HostMemory.Allocate(MemoryBytes);
        private readonly Domain[] _domains;
        private readonly PageModel[] _models;
        private readonly bool[] _tracks = new bool[2];
        private readonly DmaPort[] _ports;
        private readonly IovaSpan _aperture;
        private readonly ulong[] _bases;
        private readonly ulong _granule;
        private readonly int _largeLg2;
        private readonly bool _granulesOnly;
        private readonly List<ulong> _hot = [];

        internal PortRun(TableShape shape, Granule granule, ReaderKind kind, IsaWidth width, Random random)
        {
            _random = random;
            _granule = 1UL << (int)granule;
            int leafLg2 = granule switch { Granule.Size64K => 13, Granule.Size16K => 11, _ => 9 };
            _largeLg2 = (int)granule + leafLg2;
            _granulesOnly = shape == TableShape.Linear;
            _aperture = random.Chance(50) ? new IovaSpan(0, (1UL << 48) - 1) : new IovaSpan(1UL << 33, (1UL << 47) - 1);
            _bases = [(_aperture.First + (1UL << 34) - 1) & ~((1UL << 34) - 1), 1UL << 40, (_aperture.Last & ~((1UL << 34) - 1))];
            var options = new DomainOptions { Shape = shape, Granule = granule, Aperture = _aperture, HugePageTables = false };
            _domains = [_iommu.CreateDomain(options), _iommu.CreateDomain(options)];
            _models = [Model(), Model()];
            _ports =
            [
                _iommu.OpenPort(new DmaPortOptions { Kind = kind, Isa = width, Device = 1 }),
                _iommu.OpenPort(new DmaPortOptions { Kind = ReaderKind.Batch, Isa = width, Device = 2 }),
            ];
            foreach (DmaPort port in _ports)
            {
                port.Attach(_domains[0]);
                port.Attach(_domains[1], 5);
                port.Attach(_domains[0], 6);
            }

            PageModel Model() => new(_aperture, (int)granule, _granulesOnly ? 61 : _largeLg2, _granulesOnly ? 62 : _largeLg2 + leafLg2);
        }

        public void Dispose()
        {
            foreach (DmaPort port in _ports)
            {
                port.Dispose();
            }

            foreach (Domain domain in _domains)
            {
                domain.Dispose();
            }

            _iommu.Dispose();
            _memory.Dispose();
        }

        internal void UnmapAll()
        {
            for (int i = 0; i < 2; i++)
            {
                Assert.Equal(_models[i].MappedBytes, _domains[i].MappedBytes);
                Assert.Equal(_models[i].MappedBytes, _domains[i].Unmap(_aperture.First, _aperture.LengthLessOne + 1));
                _domains[i].Trim();
                Assert.Equal((0UL, 0UL), (_domains[i].MappedBytes, _domains[i].TableFrames));
            }
        }

        /// <summary>Makes some pages hot, by every way to translate.</summary>
        internal void Look()
        {
            _hot.Clear();
            foreach (ulong at in _bases)
            {
                ulong pages = _random.Pick(1UL, 8UL, 600UL);
                for (int i = 0; i < 12; i++)
                {
                    _hot.Add(at + ((ulong)_random.NextInt64() % (pages * _granule * _random.Pick(1UL, 1UL, 512UL))));
                }
            }

            foreach (PageModel model in _models)
            {
                for (int i = 0; i < 30 && model.Pages.Count > 0; i++)
                {
                    ModelPage page = model.Pages[_random.Next(model.Pages.Count)];
                    _hot.Add(page.First + ((ulong)_random.NextInt64() & ((1UL << page.Lg2) - 1)));
                }
            }

            LookAgain();

            // Long enough for the port to judge its cache, to bypass it and to come back; most of the time nearly all hit.
            if (_random.Chance(40))
            {
                ulong[] few = [.. _hot.Where(iova => _models[0].TryFind(iova, out _)).Take(_random.Next(1, 30))];
                if (few.Length != 0)
                {
                    Batch(_ports[0], 0, Fault.NoPasid, Permission.None, [.. Enumerable.Range(0, _random.Pick(300, 2500)).Select(i => few[i % few.Length])]);
                }
            }
        }

        internal void LookAgain()
        {
            foreach (DmaPort port in _ports)
            {
                (int domain, uint pasid) = _random.Pick((0, Fault.NoPasid), (0, Fault.NoPasid), (1, 5u), (0, 6u));
                var access = (Permission)_random.Next(4);
                ulong[] iovas = [.. _hot, _aperture.Last + 1, _aperture.First - 1, _hot[0] | (1UL << 60), ulong.MaxValue];
                _random.Shuffle(iovas);
                if (_random.Chance(50))
                {
                    Single(port, domain, pasid, access, iovas);
                    Batch(port, domain, pasid, access, iovas);
                }
                else
                {
                    Batch(port, domain, pasid, access, iovas);
                    Single(port, domain, pasid, (Permission)_random.Next(4), iovas);
                }
            }
        }

        internal void Change()
        {
            int which = _random.Next(3) / 2;
            Domain domain = _domains[which];
            PageModel model = _models[which];
            IovaSpan span = NextSpan(model);
            ulong length = span.LengthLessOne + 1;
            switch (_random.Next(10))
            {
                case 0 or 1 or 2:
                    ulong offset = (ulong)_random.NextInt64() % (MemoryBytes / 2) & ~(_granule - 1);
                    offset = _random.Chance(60) ? (offset & ~((1UL << _largeLg2) - 1)) | ((span.First - (ulong)_memory.Address) & ((1UL << _largeLg2) - 1)) : offset;
                    if (length > MemoryBytes - offset || ((ulong)_memory.Address + offset & (_granule - 1)) != 0)
                    {
                        offset = (0 - (ulong)_memory.Address) & (_granule - 1);
                    }

                    if (length > MemoryBytes - offset)
                    {
                        Assert.Equal(MapStatus.HostNotMapped, domain.TryMap(span.First, _memory, offset, length, Permission.Read));
                        break;
                    }

                    var permission = (Permission)_random.Next(1, 4);
                    Assert.Equal(model.Map(span, (ulong)_memory.Address + offset, permission), domain.TryMap(span.First, _memory, offset, length, permission));
                    break;
                case 3 or 4:
                    Assert.Equal(model.Unmap(span, out ulong modelBytes), domain.TryUnmap(span.First, length, out ulong bytes));
                    Assert.Equal(modelBytes, bytes);
                    break;
                case 5:
                    IovaSpan[] spans = [.. Enumerable.Range(0, _random.Pick(2, 5, 200)).Select(_ => NextSpan(model))];
                    ulong sum = 0;
                    foreach (IovaSpan each in spans)
                    {
                        Assert.Equal(MapStatus.Success, model.Unmap(each, out ulong part));
                        sum += part;
                    }

                    Assert.Equal(MapStatus.Success, domain.TryUnmap(spans, out ulong together, out _));
                    Assert.Equal(sum, together);
                    break;
                case 6:
                    var narrowed = (Permission)_random.Next(1, 4);
                    Assert.Equal(model.Protect(span, narrowed, out ulong modelProtected), domain.TryProtect(span.First, length, narrowed, out ulong protectedBytes));
                    Assert.Equal(modelProtected, protectedBytes);
                    break;
                case 7:
                    _tracks[which] = _random.Chance(80);
                    domain.TrackDirty(_tracks[which]);
                    break;
                case 8:
                    ReadDirty(domain, model, span);
                    break;
                default:
                    if (_random.Chance(50))
                    {
                        domain.Trim();
                    }
                    else
                    {
                        // Another attachment to the same domain starts with nothing.
                        _ports[0].Detach(6);
                        Assert.False(_ports[0].TryTranslate(_hot[0], Permission.None, 6, out _));
                        _ports[0].Attach(_domains[0], 6);
                    }

                    break;
            }
        }

        private void ReadDirty(Domain domain, PageModel model, IovaSpan span)
        {
            bool clear = _random.Chance(75);
            ulong[] bitmap = new ulong[((span.LengthLessOne / _granule) + 64) / 64];
            if (_random.Chance(30))
            {
                Array.Fill(bitmap, ulong.MaxValue); // used before
            }

            ulong[] expected = [.. bitmap];
            ulong set = 0;
            foreach (ulong iova in model.TakeDirty(span, clear))
            {
                ulong bit = (iova - span.First) / _granule;
                set += (expected[bit / 64] >> (int)(bit % 64) & 1) == 0 ? 1UL : 0;
                expected[bit / 64] |= 1UL << (int)(bit % 64);
            }

            Assert.Equal(set, domain.ReadDirty(span.First, span.LengthLessOne + 1, (int)domain.Options.Granule, bitmap, clear));
            Assert.Equal(expected, bitmap);
        }

        private IovaSpan NextSpan(PageModel model)
        {
            ulong at = _random.Pick<ulong>(_bases) + ((ulong)_random.Next(3) << _largeLg2);
            at += _random.Chance(70) ? (ulong)_random.Next(600) * _granule : 0;
            ulong length = _random.Next(_granulesOnly ? 2 : 3) switch
            {
                0 => (ulong)_random.Next(1, 9) * _granule,
                1 => (ulong)_random.Next(1, 600) * _granule,
                _ => (1UL << _largeLg2) * (ulong)_random.Next(1, 3),
            };

            // Most of the time where something is mapped and was just asked for.
            if (_hot.Count > 0 && _random.Chance(60))
            {
                ulong iova = _random.Pick<ulong>([.. _hot]);
                at = iova & ~(_granule - 1);
                if (model.TryFind(iova, out ModelPage page) && _random.Chance(40))
                {
                    at = page.First;
                    length = 1UL << page.Lg2;
                }
            }

            at = Math.Min(at, _aperture.Last & ~(_granule - 1));
            return new IovaSpan(at, Math.Min(at + length - 1, _aperture.Last));
        }

        private void Single(DmaPort port, int domain, uint pasid, Permission access, ulong[] iovas)
        {
            foreach (ulong iova in iovas)
            {
                FaultReason reason = _models[domain].Access(iova, access, out ulong expected);
                bool good = pasid == Fault.NoPasid ? port.TryTranslate(iova, access, out nuint host) : port.TryTranslate(iova, access, pasid, out host);
                Assert.True(expected == host && good == (reason == FaultReason.None), $"0x{iova:x}, {access}: 0x{expected:x} is right, the port says 0x{(ulong)host:x}.");
                Written(domain, iova, access, reason);
                if (!good)
                {
                    Assert.Equal(new Fault(iova, access, reason, port.Options.Device, pasid), port.Explain(iova, access, pasid));
                }
            }
        }

        private void Batch(DmaPort port, int domain, uint pasid, Permission access, ulong[] iovas)
        {
            nuint[] hosts = new nuint[iovas.Length + 3];
            ulong[] next = _random.Chance(50) ? iovas[..(iovas.Length / 2)] : [];
            bool mixed = _random.Chance(50);
            Permission[] each = [.. iovas.Select(_ => mixed ? (Permission)_random.Next(4) : access)];
            bool good = mixed
                ? port.TranslateBatch(iovas, hosts, each, out Fault fault, next, pasid)
                : port.TranslateBatch(iovas, hosts, access, out fault, next, pasid);
            Fault expectedFault = default;
            for (int i = 0; i < iovas.Length; i++)
            {
                access = each[i];
                FaultReason reason = _models[domain].Access(iovas[i], access, out ulong expected);
                Assert.True(expected == hosts[i], $"0x{iovas[i]:x}, {access}, look-up {i} of {iovas.Length}: 0x{expected:x} is right, the port says 0x{(ulong)hosts[i]:x}.");
                Written(domain, iovas[i], access, reason);
                if (reason != FaultReason.None && expectedFault == default)
                {
                    expectedFault = new Fault(iovas[i], access, reason, port.Options.Device, pasid);
                }
            }

            Assert.Equal(expectedFault, fault);
            Assert.Equal(expectedFault == default, good);
        }

        private void Written(int domain, ulong iova, Permission access, FaultReason reason)
        {
            if (reason == FaultReason.None && (access & Permission.Write) != Permission.None && _tracks[domain])
            {
                _models[domain].MarkDirty(iova);
            }
        }
    }
}
