using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Random calls of a container of type 1, and what two devices in it see, against <see cref="Type1Model"/>.</summary>
public sealed class Type1ModelTests
{
    private const ulong Page = Type1Model.Page;
    private const ulong Pages = 64;
    private const uint Limit = 8;
    private const long LimitPages = 34;
    private const int Calls = 3000;

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    public void EveryCallAnswersAsTheModelDoes(int seed, bool isV2)
    {
        using var run = new Run(seed, isV2);
        for (int i = 0; i < Calls; i++)
        {
            run.Step(i);
        }

        Assert.True(run.Answers.Count >= (isV2 ? 22 : 18), string.Join(", ", run.Answers));
    }

    private sealed class Run : IDisposable
    {
        private readonly Random _random;
        private readonly ContainerWorld _world = new(entries: Limit, isCharged: true);
        private readonly Type1Model _model;
        private readonly VfioDevice _first;
        private readonly VfioDevice _second;
        private readonly VfioGroupFile _other;

        internal Run(int seed, bool isV2)
        {
            _random = new Random(seed);
            _model = new Type1Model(isV2, Limit);
            _world.Client.LimitPages = LimitPages;
            _first = _world.Vfio.Add();
            _second = _world.Vfio.Add("0000:02:00.0", iommu: new DeviceOptions { ReservedRegions = [new IovaSpan(Type1Model.ReservedFirst, Type1Model.ReservedLast)] });
            _world.Set(_first, isV2 ? VfioExtension.Type1V2 : VfioExtension.Type1);
            _other = _world.Open(_second);
            _world.Number();
        }

        /// <summary>Which answers came of which calls.</summary>
        internal SortedSet<string> Answers { get; } = new(StringComparer.Ordinal);

        internal void Step(int number)
        {
            ulong iova = (ulong)_random.Next((int)Pages) * Page;
            ulong bytes = (ulong)_random.Next(1, 9) * Page;
            int kind = _random.Next(100);

            // Often about an entry that is there.
            if (_model.Entries.Count != 0 && _random.Next(3) != 0 && kind >= 35)
            {
                Type1Model.Entry entry = _model.Entries[_random.Next(_model.Entries.Count)];
                (iova, bytes) = (entry.Iova, entry.Bytes);
            }

            string call = kind < 35 ? Map(iova, bytes)
                : kind < 45 ? Told("resume", _model.Resume(iova, bytes), _world.Map(iova, bytes, flags: VfioConstants.MapVaddr))
                : kind < 75 ? Unmap(iova, bytes, kind)
                : kind < 79 ? Told("track", _model.Track(kind != 75), _world.Dirty(kind != 75 ? VfioConstants.DirtyStart : VfioConstants.DirtyStop))
                : kind < 90 ? Dirty(iova, bytes)
                : Hotplug();
            Answers.Add(call);
            Check(number, call);
        }

        public void Dispose() => _world.Dispose();

        private string Map(ulong iova, ulong bytes)
        {
            ulong page = (ulong)_random.Next((int)(Pages - (bytes / Page)));
            bool isBad = _random.Next(12) == 0;
            iova = _random.Next(20) == 0 ? Type1Model.IovasEnd - Page : iova;
            Errno expected = _model.Map(iova, bytes, page * Page, isBad, LimitPages);
            return Told("map", expected, _world.Map(iova, bytes, at: isBad ? 0x1000 : _world.World.Buffer + (page * Page)));
        }

        private string Unmap(ulong iova, ulong bytes, int kind)
        {
            bool suspends = kind < 52;
            bool tells = kind is >= 52 and < 60;
            bool isAll = kind is 51 or 74;
            uint flags = (suspends ? VfioConstants.UnmapVaddr : 0) | (tells ? VfioConstants.UnmapGetDirty : 0) | (isAll ? VfioConstants.UnmapAll : 0);
            (iova, bytes) = isAll ? (0, 0) : (iova, bytes);
            ulong[] marks = Marks(iova, bytes);
            Errno expected = _model.Unmap(iova, bytes, isAll, suspends, tells, out ulong unmapped);
            _world.Words(2).Clear();
            (long result, ulong told) = tells ? _world.UnmapDirty(iova, bytes, _world.Bitmap(16)) : _world.Unmap(iova, bytes, flags);
            Assert.Equal(expected == Errno.Success ? unmapped : bytes, told);
            if (tells && expected == Errno.Success)
            {
                Assert.Equal(marks, _world.Words(2).ToArray());
            }

            return Told(suspends ? "suspend" : tells ? "unmap and tell" : "unmap", expected, result);
        }

        private string Dirty(ulong iova, ulong bytes)
        {
            bytes = Math.Max(bytes, (ulong)_random.Next(1, (int)Pages) * Page);
            Errno expected = _model.Dirty(iova, bytes);
            ulong[] marks = expected == Errno.Success ? Marks(iova, bytes) : [0, 0];
            _world.Words(2).Clear();
            string call = Told("dirty", expected, _world.GetDirty(iova, bytes, _world.Bitmap(16)));
            Assert.Equal(marks, _world.Words(2).ToArray());
            return call;
        }

        private string Hotplug()
        {
            if (_model.HasSecond)
            {
                _model.HasSecond = false;
                return Told("leave", Errno.Success, _world.Leave(_other));
            }

            Errno expected = _model.Join();
            _model.HasSecond = expected == Errno.Success;
            return Told("join", expected, _world.Join(_other));
        }

        // Every page of every entry that begins in the range.
        private ulong[] Marks(ulong iova, ulong bytes)
        {
            ulong[] marks = new ulong[2];
            for (ulong page = 0; page < bytes / Page; page++)
            {
                marks[page / 64] |= _model.OffsetAt(iova + (page * Page)) is null ? 0 : 1UL << (int)(page % 64);
            }

            return marks;
        }

        private static string Told(string call, Errno expected, long result)
        {
            Assert.Equal($"{call} {expected}", $"{call} {(Errno)(-result)}");
            return $"{call} {expected}";
        }

        private void Check(int number, string call)
        {
            string where = $"call {number}, {call}";
            Assert.True((long)_model.LockedPages == _world.Locked, where);
            Assert.True(_model.Entries.Count == _world.Iommu.EntryCount, where);
            for (int i = 0; i < 8; i++)
            {
                ulong iova = (ulong)_random.Next((int)Pages + 8) * Page;
                ulong? offset = _model.OffsetAt(iova);
                Assert.True(_world.Reads(_first, iova, offset ?? 0) == offset is not null, where);
                Assert.True(_world.Reads(_second, iova, offset ?? 0) == (offset is not null && _model.HasSecond), where);
            }

            if (number % 50 == 0)
            {
                Assert.Equal(_model.Avail, _world.Avail());
                Assert.Equal(_model.HasSecond ? 2 : 1, _world.Ranges().Count);
            }
        }
    }
}
