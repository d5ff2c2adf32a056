using Xunit;

namespace FastIova.Tests;

public sealed class PciLayoutTests
{
    public static TheoryData<string, PciFunctionLayout> Broken => new()
    {
        { "Vendor 0xffff", PciFixture.Everything with { VendorId = 0xFFFF } },
        { "Class code 0x1000000", PciFixture.Everything with { ClassCode = 0x1000000 } },
        { "5 MSI vectors", PciFixture.Everything with { MsiVectors = 5 } },
        { "BAR 6", With(new PciBar { Index = 6, Bytes = 16 }) },
        { "BAR 5 (Memory64)", With(new PciBar { Index = 5, Bytes = 16, Kind = PciBarKind.Memory64 }) },
        { "takes a register", With(new PciBar { Index = 0, Bytes = 16, Kind = PciBarKind.Memory64 }, new PciBar { Index = 1, Bytes = 16 }) },
        { "0x30 bytes", With(new PciBar { Index = 0, Bytes = 0x30, Kind = PciBarKind.Memory32 }) },
        { "from 0x4 to 0x100", With(new PciBar { Index = 0, Bytes = 0x200, Kind = PciBarKind.Io }) },
        { "from 0x1000", With(new PciBar { Index = 0, Bytes = 0x800, Kind = PciBarKind.Memory32, IsMappable = true }) },
        { "I/O ports", With(new PciBar { Index = 0, Bytes = 0x10, Kind = PciBarKind.Io, IsPrefetchable = true }) },
        { "0 MSI-X vectors", PciFixture.Everything with { Msix = PciFixture.Everything.Msix! with { Vectors = 0 } } },
        { "which is no memory", PciFixture.Everything with { Msix = PciFixture.Everything.Msix! with { TableBar = 2 } } },
        { "multiple of eight", PciFixture.Everything with { Msix = PciFixture.Everything.Msix! with { TableOffset = 0x2004 } } },
        { "end inside BAR 0", PciFixture.Everything with { Msix = PciFixture.Everything.Msix! with { PbaOffset = 0x3FF8 } } },
        { "overlap", PciFixture.Everything with { Msix = PciFixture.Everything.Msix! with { PbaOffset = 0x2458 } } },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void ABrokenRuleIsNamed(string words, PciFunctionLayout layout) =>
        Assert.Contains(words, Assert.Throws<ArgumentException>(layout.Check).Message, StringComparison.Ordinal);

    [Fact]
    public void WhatKeepsTheRulesPasses()
    {
        PciFixture.Everything.Check();
        new PciFunctionLayout { VendorId = 1, DeviceId = 0 }.Check();
        (PciFixture.Everything with { Msix = PciFixture.Everything.Msix! with { PbaOffset = 0x2460 } }).Check();
    }

    private static PciFunctionLayout With(params PciBar[] bars) => new() { VendorId = 1, DeviceId = 1, Bars = bars };
}
