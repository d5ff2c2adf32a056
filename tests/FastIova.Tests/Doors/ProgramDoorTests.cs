using Xunit;

namespace FastIova.Tests.Doors;

[Collection("doors")]
public sealed class ProgramDoorTests
{
    [Theory]
    [InlineData("basic")]
    [InlineData("bad-pointers")]
    [InlineData("forks")]
    [InlineData("duplicates")]
    [InlineData("executes")]
    [InlineData("passes-rights")]
    [InlineData("queues")]
    [InlineData("threads")]
    [InlineData("closes-everything")]
    [InlineData("memory")]
    [InlineData("fail-nth")]
    [InlineData("signals")]
    public void AProgramThatKnowsNothingOfTheEngineFindsItsFilesBehaveAsTheKernels(string scenario)
    {
        using var echo = new EchoDoor();

        echo.Run(scenario);

        Assert.Empty(echo.Defects);
        AssertNothingIsLeft(echo);
    }

    [Fact]
    public void ADefectInAHandlerEndsItsClientAndNobodyElse()
    {
        using var echo = new EchoDoor();

        echo.Run("crash");
        echo.Run("basic");

        Assert.IsType<InvalidOperationException>(Assert.Single(echo.Defects));
        AssertNothingIsLeft(echo);
    }

    [Fact]
    public void SharedMemoryIsLentWhereTheEngineMayNotOpenIt()
    {
        using var echo = new EchoDoor { Lends = true };

        echo.Run("memory");
        echo.Run("forks");

        Assert.Empty(echo.Defects);
        AssertNothingIsLeft(echo);
        DoorFuzzTests.AssertSettles(() => echo.Door.Objects.Count == 0, "memory objects");
    }

    internal static void AssertNothingIsLeft(EchoDoor echo)
    {
        echo.Door.Files.Sweep();
        Assert.Equal(0, echo.Door.Files.Count);
        Assert.Equal(0, EchoFile.OpenFiles);
    }
}
