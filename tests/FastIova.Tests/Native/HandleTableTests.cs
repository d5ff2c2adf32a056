using Xunit;

namespace FastIova.Tests.Native;

public sealed class HandleTableTests
{
    [Fact]
    public void AHandleFindsItsObjectUntilItIsClosedAndNeverAgain()
    {
        object first = new();
        nint handle = HandleTable.Open(first);
        Assert.NotEqual(0, handle);
        Assert.Same(first, HandleTable.Find<object>(handle));
        Assert.Same(first, HandleTable.Close<object>(handle));
        Assert.Null(HandleTable.Find<object>(handle));
        Assert.Null(HandleTable.Close<object>(handle));

        // The place is used again, the handle is another one (H1).
        nint second = HandleTable.Open(new object());
        Assert.NotEqual(handle, second);
        Assert.Null(HandleTable.Find<object>(handle));
        Assert.NotNull(HandleTable.Close<object>(second));
    }

    [Fact]
    public void AHandleOfAnotherKindIsNone()
    {
        nint handle = HandleTable.Open("a text");
        Assert.Null(HandleTable.Find<HandleTableTests>(handle));
        Assert.Null(HandleTable.Close<HandleTableTests>(handle));
        Assert.Equal("a text", HandleTable.Close<string>(handle));
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(-1L)]
    [InlineData(1L)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    [InlineData(0x0000_0001_0000_FFFFL)]
    public void ANumberThatWasNeverGivenOutIsNone(long number) => Assert.Null(HandleTable.Find<object>((nint)number));

    [Fact]
    public void ManyHandlesOpenAndCloseInAnyOrder()
    {
        const int Seed = 20261;
        var random = new Random(Seed);
        int before = HandleTable.Opened;
        var open = new Dictionary<nint, object>();
        var closed = new HashSet<nint>();
        for (int step = 0; step < 20_000; step++)
        {
            if (open.Count == 0 || random.Next(5) < 3)
            {
                object target = new();
                nint handle = HandleTable.Open(target);
                Assert.True(!closed.Contains(handle) && open.TryAdd(handle, target), $"Seed {Seed}, step {step}: handle 0x{handle:x} was given out before.");
            }
            else
            {
                nint handle = open.Keys.ElementAt(random.Next(Math.Min(open.Count, 50)));
                Assert.Same(open[handle], HandleTable.Close<object>(handle));
                open.Remove(handle);
                closed.Add(handle);
            }
        }

        Assert.All(open, pair => Assert.Same(pair.Value, HandleTable.Find<object>(pair.Key)));
        Assert.All(closed, handle => Assert.Null(HandleTable.Find<object>(handle)));
        Assert.All(open.Keys, handle => Assert.NotNull(HandleTable.Close<object>(handle)));
        Assert.Equal(before, HandleTable.Opened);
    }
}
