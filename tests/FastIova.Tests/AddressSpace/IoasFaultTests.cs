using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.AddressSpace;

/// <summary>Scenarios in which the first step fails, then the second, until none is left: each ends either done or undone.</summary>
public sealed class IoasFaultTests
{
    private const ulong Page = 4096;
    private const ulong Base = 0x1000000;

    public static TheoryData<string> Scenarios => [.. Steps.Keys];

    private static Dictionary<string, Func<World, IoasStatus>> Steps { get; } = new(StringComparer.Ordinal)
    {
        ["map without a domain"] = w => w.Map(Base, 3),
        ["map into a domain"] = w => w.AddDomain(0) | w.Map(Base, 3),
        ["map known memory into two domains"] = w => w.AddDomain(0) | w.AddDomain(1) | w.MapKnown(Base, 3) | w.Map(Base + (8 * Page), 20),
        ["map in small pages"] = w => w.Ioas.DisableLargePages() | w.AddDomain(0) | w.MapKnown(Base, 700) | w.Cut(Base + Page - 1) | w.Ioas.Unmap(Base, Page, out _),
        ["attach two domains to what is mapped"] = w => w.Map(Base, 3) | w.Map(Base + (4 * Page), 9) | w.AddDomain(0) | w.AddDomain(1),
        ["copy within and between"] = w => w.AddDomain(0) | w.Map(Base, 3) | w.Map(Base + (3 * Page), 9) | w.Copy(Base, 12, Base + 0x100000) | w.CopyOut(Base + Page, 5),
        ["pin and unpin"] = w => w.Map(Base, 3) | w.Map(Base + (3 * Page), 9) | w.AddAccess() | w.Pin(Base + Page, 6) | w.Pin(Base, 12) | w.AddDomain(0) | w.Pin(Base + (2 * Page), 2),
        ["read and write by the slow path"] = w => w.Map(Base, 3) | w.AddAccess() | w.Access.Write(Base + 5, new byte[9000], current: null) | w.Access.Read(Base, new byte[9000], current: null),
        ["reserve and allow"] = w => w.Ioas.Reserve(IovaSpan.Of(0, Page), w) | w.Ioas.EnforceReserved([IovaSpan.Of(Page, Page), IovaSpan.Of(5 * Page, Page)], w) | w.Ioas.SetAllowed([IovaSpan.Of(Base, 1 << 20)]),
        ["read dirty pages"] = w => w.AddDomain(0) | w.Map(Base, 3) | w.Ioas.SetDirtyTracking(w.Domains[0], enable: true) | w.Ioas.ReadDirty(w.Domains[0], Base, 3 * Page, Page, clear: true, (_, _) => { }),
    };

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void WhateverStepFailsLeavesNoTrace(string scenario)
    {
        Func<World, IoasStatus> steps = Steps[scenario];
        for (ulong nth = 1; ; nth++)
        {
            Assert.True(nth < 200, "A scenario ends.");
            using var world = new World();
            using var plan = FaultPlan.Arm(nth);
            IoasStatus status = steps(world);
            if (!plan.HasFailed)
            {
                Assert.Equal(IoasStatus.Success, status);
                Assert.True(nth > 1, "The scenario has steps that can fail.");
                return;
            }

            Assert.Equal(IoasStatus.OutOfMemory, status);
        }
    }

    /// <summary>An ioas whose every operation is checked to have changed nothing when it fails; after a failure nothing more is done.</summary>
    private sealed class World : IDisposable
    {
        private readonly Iommu _iommu = new();
        private readonly ScatteredMemory _memory = new(64) { RunPages = 4 };
        private readonly HostMemory _known = HostMemory.Allocate(800 * Page);
        private readonly MemoryTally _user = new();
        private readonly PinOwner _owner;
        private readonly PinOwner _own;
        private readonly Ioas _other = new();
        private readonly List<Domain> _attached = [];
        private bool _failed;

        internal World()
        {
            _owner = new PinOwner(_memory, _user, () => long.MaxValue, AccountMode.User);
            _own = new PinOwner(OwnMemory.Instance, _user, () => long.MaxValue, AccountMode.User);
            Domains = [_iommu.CreateDomain(new DomainOptions { Granule = Granule.Size2K }), _iommu.CreateDomain()];
        }

        internal Ioas Ioas { get; } = new();

        internal Domain[] Domains { get; }

        internal PinningAccess Access { get; } = new();

        public void Dispose()
        {
            Access.Attach(null);

            foreach (Domain domain in Domains)
            {
                Ioas.RemoveDomain(domain);
                Assert.Equal(0UL, domain.MappedBytes);
                domain.Dispose();
            }

            Ioas.Dispose();
            _other.Dispose();
            Assert.Equal(0, _user.LockedPages);
            Assert.Equal(new int[64], _memory.Pins.ToArray());
            _memory.Dispose();
            _known.Dispose();
            _iommu.Dispose();
        }

        internal IoasStatus Map(ulong iova, ulong pages) =>
            Try(() => Ioas.Map(_owner, ScatteredMemory.Start, pages * Page, ref iova, Permission.ReadWrite, fixedIova: true));

        internal IoasStatus MapKnown(ulong iova, ulong pages) =>
            Try(() => Ioas.Map(_own, _known.Address, pages * Page, ref iova, Permission.ReadWrite, fixedIova: true));

        internal IoasStatus Copy(ulong from, ulong pages, ulong iova) =>
            Try(() => Ioas.Copy(Ioas, from, pages * Page, ref iova, Permission.Read, fixedIova: true));

        internal IoasStatus CopyOut(ulong from, ulong pages)
        {
            ulong iova = 0;
            return Try(() => _other.Copy(Ioas, from, pages * Page, ref iova, Permission.Read, fixedIova: false));
        }

        internal IoasStatus AddDomain(int index) => Try(() =>
        {
            IoasStatus status = Ioas.AddDomain(Domains[index]);
            if (status == IoasStatus.Success)
            {
                _attached.Add(Domains[index]);
            }

            return status;
        });

        internal IoasStatus Cut(ulong iova) => Try(() => Ioas.Cut([iova]));

        internal IoasStatus AddAccess() => Try(() => Access.Attach(Ioas));

        internal IoasStatus Pin(ulong iova, ulong pages) => Try(() =>
        {
            IoasStatus status = Access.Pin(iova, pages * Page, write: true, new Frame[pages]);
            if (status == IoasStatus.Success)
            {
                Access.Pins.Add(IovaSpan.Of(iova, pages * Page));
            }

            return status;
        });

        private IoasStatus Try(Func<IoasStatus> step)
        {
            if (_failed)
            {
                return IoasStatus.Success;
            }

            string before = State();
            IoasStatus status = step();
            _failed = status != IoasStatus.Success;
            if (_failed)
            {
                Assert.Equal(before, State());
            }

            return status;
        }

        private string State()
        {
            var ranges = new List<IovaSpan>();
            Ioas.Ranges(ranges);
            return string.Join(
                ' ',
                (IEnumerable<object>)
                [
                    Ioas.Alignment, Ioas.PinnedPages, _other.PinnedPages, _user.LockedPages, _memory.Tally.PinnedPages, .. _memory.Pins.ToArray(),
                    .. Ioas.AreaSpans(), .. _other.AreaSpans(), .. ranges, .. Domains.Select(d => d.MappedBytes), _attached.Count,
                ]);
        }
    }
}
