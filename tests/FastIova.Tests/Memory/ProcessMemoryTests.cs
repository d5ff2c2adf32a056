using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.Memory;

public sealed unsafe class ProcessMemoryTests
{
    private static readonly int Self = Environment.ProcessId;

    [Fact]
    public void BytesAreCopiedBothWays()
    {
        using HostMemory memory = HostMemory.Allocate(2 << 12);
        byte[] data = [1, 2, 3, 4];
        Assert.True(ProcessMemory.TryWrite(Self, memory.Address + 0xffe, data));
        Assert.Equal(data, memory.Bytes(0xffe, 4).ToArray());
        byte[] read = new byte[4];
        Assert.True(ProcessMemory.TryRead(Self, memory.Address + 0xffe, read));
        Assert.Equal(data, read);
    }

    [Fact]
    public void ACopyIntoAHoleStopsThere()
    {
        using var poisoned = new PoisonedMemory();
        ulong last = (ulong)poisoned.Last(0);
        byte[] read = new byte[8];
        Assert.False(ProcessMemory.TryRead(Self, last - 4, read, out int copied));
        Assert.Equal(4, copied);
        Assert.False(ProcessMemory.TryWrite(Self, last, read, out copied));
        Assert.Equal(0, copied);
        Assert.False(ProcessMemory.TryRead(Self, 0, read));
        Assert.False(ProcessMemory.TryRead(Self, ulong.MaxValue - 3, read));
    }

    [Fact]
    public void AProcessThatIsNotThereHasNoMemory() => Assert.False(ProcessMemory.TryRead(int.MaxValue, 0x1000, new byte[1]));

    [Fact]
    public void PagesAreTouchedUpToTheFirstHole()
    {
        using HostMemory memory = HostMemory.Allocate(600 << 12);
        Assert.True(ProcessMemory.TryTouch(Self, memory.Address, 600));
        using var poisoned = new PoisonedMemory();
        Assert.False(ProcessMemory.TryTouch(Self, (ulong)poisoned.Last(0) - 0x1000, 2));
    }

    [Fact]
    public void PagesAreFaultedInWhereTheyAllowIt()
    {
        using HostMemory memory = HostMemory.Allocate(4 << 12);
        Assert.True(ProcessMemory.TryPopulate(memory.Address, 4 << 12, write: true));
        Assert.False(ProcessMemory.TryPopulate(0, 1 << 12, write: false));
        Assert.False(ProcessMemory.TryPopulate(ulong.MaxValue - 0xfff, 1 << 12, write: false));
        using var poisoned = new PoisonedMemory();
        Assert.False(ProcessMemory.TryPopulate((ulong)poisoned.Last(0), 1 << 12, write: false));
    }
}
