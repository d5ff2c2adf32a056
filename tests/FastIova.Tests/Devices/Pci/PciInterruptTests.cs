using Xunit;

namespace FastIova.Tests;

public sealed class PciInterruptTests : IDisposable
{
    private const uint Enable = 1u << 15;
    private const uint FunctionMask = 1u << 14;

    private readonly PciFixture _pci = new();
    private readonly int _msi;
    private readonly int _msix;

    public PciInterruptTests()
    {
        _pci.SetConfig(4, 6, 2);
        _msi = _pci.Capability(0x05);
        _msix = _pci.Capability(0x11);
    }

    public void Dispose() => _pci.Dispose();

    [Fact]
    public void ThePinLeadsOutUnlessItIsDisabledOrMessagesAreEnabled()
    {
        _pci.Host.SetIntx(true);
        _pci.Host.SetIntx(true);
        Assert.Equal([true], _pci.Levels);
        Assert.Equal(8u, _pci.Config(6, 2) & 8);
        _pci.SetConfig(4, 0x406, 2);
        Assert.Equal([true, false], _pci.Levels);
        Assert.Equal(8u, _pci.Config(6, 2) & 8);
        _pci.SetConfig(4, 6, 2);
        _pci.SetConfig(_msi + 2, 1, 2);
        _pci.SetConfig(_msi + 2, 0, 2);
        _pci.SetConfig(_msix + 2, Enable, 2);
        _pci.Host.SetIntx(false);
        _pci.SetConfig(_msix + 2, 0, 2);
        Assert.Equal([true, false, true, false, true, false], _pci.Levels);
        Assert.Equal(0u, _pci.Config(6, 2) & 8);
        Assert.False(_pci.Function.IsIntxAsserted);
        Assert.Empty(_pci.Messages);
    }

    [Fact]
    public void WithoutMessagesEnabledNoneIsSent()
    {
        _pci.Host.RaiseMsi(0);
        _pci.SetConfig(_msi + 2, 1, 2);
        Assert.Empty(_pci.Messages);
        Assert.Equal(0u, _pci.Config(_msi + 20));
    }

    [Fact]
    public void MsiFoldsVectorsIntoThoseItGot()
    {
        _pci.SetConfig(_msi + 2, 1 | (1 << 4), 2);
        Assert.Equal(0x0195u, _pci.Config(_msi + 2, 2));
        for (int vector = 0; vector < 5; vector++)
        {
            _pci.Host.RaiseMsi(vector);
        }

        Assert.Equal([0, 1, 0, 1, 0], _pci.Messages);
        _pci.SetConfig(_msi + 4, 0xFEE01003);
        _pci.SetConfig(_msi + 8, 0x1);
        _pci.SetConfig(_msi + 12, 0x4041, 2);
        Assert.Equal((0x1FEE01000UL, 0x4041u), _pci.Function.MessageOf(3));
        Assert.Equal((0x1FEE01000UL, 0x4040u), _pci.Function.MessageOf(2));
    }

    [Fact]
    public void AMaskedMsiVectorIsPendingAndComesOnceWhenItIsUnmasked()
    {
        _pci.SetConfig(_msi + 2, 1 | (2 << 4), 2);
        _pci.SetConfig(_msi + 16, 0xFFFFFFF6);
        Assert.Equal(6u, _pci.Config(_msi + 16));
        _pci.Host.RaiseMsi(1);
        _pci.Host.RaiseMsi(1);
        _pci.Host.RaiseMsi(2);
        _pci.Host.RaiseMsi(3);
        Assert.Equal([3], _pci.Messages);
        Assert.Equal(6u, _pci.Config(_msi + 20));
        _pci.SetConfig(_msi + 16, 4);
        Assert.Equal([3, 1], _pci.Messages);
        Assert.Equal(4u, _pci.Config(_msi + 20));
        _pci.Function.EnableMsi(4);
        Assert.Equal([3, 1, 2], _pci.Messages);
    }

    [Fact]
    public void EveryMsixVectorIsMaskedAtFirstAndPendingUntilItsMaskGoes()
    {
        _pci.SetConfig(_msix + 2, Enable, 2);
        Assert.Equal(0x8045u, _pci.Config(_msix + 2, 2));
        _pci.Host.RaiseMsi(65);
        _pci.Host.RaiseMsi(65);
        _pci.Host.RaiseMsi(70);
        Assert.Empty(_pci.Messages);
        Assert.Equal((0u, 2u), (_pci.Bar(0, 0x3000), _pci.Bar(0, 0x3008)));
        _pci.SetBar(0, 0x3008, 0);
        Assert.Equal(2u, _pci.Bar(0, 0x3008));
        _pci.SetBar(0, 0x2000 + (65 * 16), 0xFEE00000);
        _pci.SetBar(0, 0x2000 + (65 * 16) + 8, 0x31);
        Assert.Empty(_pci.Messages);
        _pci.SetBar(0, 0x2000 + (65 * 16) + 12, 0);
        Assert.Equal([65], _pci.Messages);
        Assert.Equal(0u, _pci.Bar(0, 0x3008));
        Assert.Equal((0xFEE00000UL, 0x31u), _pci.Function.MessageOf(65));
        _pci.Host.RaiseMsi(65);
        Assert.Equal([65, 65], _pci.Messages);
        Assert.Empty(_pci.Model.Calls);
    }

    [Fact]
    public void TheFunctionMaskHoldsEveryVectorBack()
    {
        _pci.Function.EnableMsix(true);
        _pci.SetConfig(_msix + 2, Enable | FunctionMask, 2);
        _pci.Host.RaiseMsi(0);
        _pci.Host.RaiseMsi(69);
        Assert.Empty(_pci.Messages);
        _pci.SetConfig(_msix + 2, Enable, 2);
        Assert.Equal([0, 69], _pci.Messages);
        _pci.Function.EnableMsix(false);
        _pci.Host.RaiseMsi(0);
        Assert.Equal([0, 69], _pci.Messages);
    }

    [Fact]
    public void MsixComesBeforeMsi()
    {
        _pci.Function.EnableMsi(4);
        _pci.Function.EnableMsix(true);
        _pci.Host.RaiseMsi(9);
        Assert.Equal([9], _pci.Messages);
        _pci.Function.EnableMsix(false);
        _pci.Host.RaiseMsi(9);
        Assert.Equal([9, 1], _pci.Messages);
        Assert.Throws<ArgumentOutOfRangeException>(() => _pci.Function.EnableMsi(8));
        Assert.Throws<ArgumentOutOfRangeException>(() => _pci.Function.EnableMsi(3));
    }

    [Fact]
    public void FaultsReachWhoeverListens()
    {
        var fault = new Fault(0x1000, Permission.Write, FaultReason.NotMapped, 8, Fault.NoPasid);
        _pci.Host.ReportFault(fault);
        Assert.Equal([fault], _pci.Faults);
    }
}
