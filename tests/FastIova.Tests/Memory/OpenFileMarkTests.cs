using Xunit;

namespace FastIova.Tests.Memory;

public sealed class OpenFileMarkTests
{
    [Fact]
    public void AMarkLastsAsLongAsADescriptorOrAMappingHoldsTheOpenFile()
    {
        using SharedMemory memory = SharedMemory.CreateFixed("fastiova-test", 8192);
        Assert.False(OpenFileMark.IsHeld(memory, 1));
        using Descriptor first = OpenFileMark.TryOpen(memory, 1)!;
        using Descriptor second = OpenFileMark.TryOpen(memory, 2)!;
        nint mapping = Libc.MemoryMap(0, 8192, Libc.ProtRead, Libc.MapShared, first.Number, 0);
        Assert.NotEqual(Libc.MapFailed, mapping);
        first.Dispose();
        Assert.True(OpenFileMark.IsHeld(memory, 1));
        Assert.True(OpenFileMark.IsHeld(memory, 2));
        Assert.False(OpenFileMark.IsHeld(memory, 3));
        second.Dispose();
        Assert.False(OpenFileMark.IsHeld(memory, 2));

        // A part of the mapping is enough.
        Assert.Equal(0, Libc.MemoryUnmap(mapping, 4096));
        Assert.True(OpenFileMark.IsHeld(memory, 1));
        Assert.Equal(0, Libc.MemoryUnmap(mapping + 4096, 4096));
        Assert.False(OpenFileMark.IsHeld(memory, 1));
    }
}
