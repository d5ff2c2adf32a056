using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Users of an ioas that are no devices.</summary>
public sealed class AccessTests
{
    [Fact]
    public void AnAccessIsAttachedMovedAndEnded()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        uint other = world.Ioas();
        AccessObject access = Make(world, out User user, pins: true);
        Assert.Equal(Errno.NotFound, access.Replace(ioas));
        Assert.Equal(Errno.NotFound, access.Attach(99));
        Assert.Equal(Errno.Success, access.Attach(ioas));
        Assert.Equal(Errno.Invalid, access.Attach(other));
        Assert.Equal(Errno.Busy, world.Destroy(ioas));
        Assert.Equal(Errno.Busy, world.Destroy(access.Id));
        Assert.Equal(4096UL, world.Held<IoasObject>(ioas).Space.Alignment);
        Assert.Equal(Errno.Success, access.Replace(other));
        Assert.Equal(Errno.Success, world.Destroy(ioas));
        Assert.Equal([(0UL, ulong.MaxValue)], user.Asked);
        access.End();
        Assert.Equal(Errno.NotFound, world.Destroy(access.Id));
        Assert.Equal(Errno.Success, world.Destroy(other));
    }

    [Fact]
    public void PinsAreAskedBackBeforeAnUnmapAndAReplace()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        uint other = world.Ioas();
        AccessObject access = Make(world, out User user, pins: true);
        Assert.Equal(Errno.Success, access.Attach(ioas));
        Assert.Equal(Errno.Success, world.Map(ioas, 0x1000, 0x4000));
        Span<Frame> frames = stackalloc Frame[2];
        Assert.Equal(Errno.NotFound, access.Pin(0x8000, 0x1000, false, frames));
        Assert.Equal(Errno.Invalid, access.Pin(0x1000, 0, false, frames));
        Assert.Equal(Errno.Overflow, access.Pin(0x1000, ulong.MaxValue, false, frames));
        Assert.Equal(Errno.Success, access.Pin(0x2000, 0x2000, true, frames));
        user.Pins.Add((0x2000, 0x2000));
        Assert.Equal(world.Buffer + 0x1000, frames[0].Host);
        Assert.Equal(2UL, world.Held<IoasObject>(ioas).Space.PinnedPages);
        Assert.Equal(Errno.Success, access.Replace(other));
        Assert.Empty(user.Pins);
        Assert.Equal(0UL, world.Held<IoasObject>(ioas).Space.PinnedPages);
        Assert.Equal(Errno.Success, access.Replace(ioas));
        Assert.Equal(Errno.Success, access.Pin(0x1000, 0x1000, false, frames));
        user.Pins.Add((0x1000, 0x1000));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = ioas, Iova = 0x1000, Length = 0x4000 }));
        Assert.Empty(user.Pins);
        access.End();
    }

    [Fact]
    public void ALeftPinIsGivenBackWhenTheAccessEnds()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        AccessObject access = Make(world, out User user, pins: true);
        Assert.Equal(Errno.Success, access.Attach(ioas));
        Assert.Equal(Errno.Success, world.Map(ioas, 0x1000));
        Assert.Equal(Errno.Success, access.Pin(0x1000, 0x1000, false, new Frame[1]));
        user.Pins.Add((0x1000, 0x1000));
        access.End();
        Assert.Empty(user.Pins);
        Assert.Equal(0UL, world.Held<IoasObject>(ioas).Space.PinnedPages);
    }

    [Fact]
    public void BytesAreCopiedThroughTheMappings()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        AccessObject access = Make(world, out _, pins: false);
        byte[] bytes = [1, 2, 3];
        Assert.Equal(Errno.NotFound, access.Read(0x1000, bytes));
        Assert.Equal(Errno.Success, access.Attach(ioas));
        Assert.Equal(Errno.Invalid, access.Pin(0x1000, 1, false, new Frame[1]));
        Assert.Equal(Errno.Success, world.Map(ioas, 0x1000));
        Assert.Equal(Errno.Success, world.Map(ioas, 0x5000, flags: IoasMapFlags.Readable));
        Assert.Equal(Errno.Success, access.Write(0x1ffd, bytes));
        Assert.Equal(bytes, world.Pages.Bytes.Slice(World.BufferOffset + 0xffd, 3).ToArray());
        byte[] back = new byte[3];
        Assert.Equal(Errno.Success, access.Read(0x5ffd, back));
        Assert.Equal(bytes, back);
        Assert.Equal(Errno.NotPermitted, access.Write(0x5000, bytes));
        Assert.Equal(Errno.NotFound, access.Read(0x1ffe, back));
        Assert.Equal(Errno.Invalid, access.Read(0x1000, []));
        Assert.Equal(Errno.Overflow, access.Read(ulong.MaxValue, back));
        access.End();
    }

    [Fact]
    public void AnAccessKeepsTheContext()
    {
        var world = new World();
        AccessObject access = Make(world, out _, pins: true);
        Assert.Equal(Errno.Success, access.Attach(world.Ioas()));
        world.Context.Close();
        Assert.Equal(1, world.Engine.OpenContexts);
        access.End();
        Assert.Equal(0, world.Engine.OpenContexts);
        world.Dispose();
    }

    private static AccessObject Make(World world, out User user, bool pins)
    {
        user = new User();
        Assert.Equal(Errno.Success, AccessObject.Create(world.Context, user, pins, out AccessObject? access));
        user.Access = access!;
        return access!;
    }

    /// <summary>Gives back what it is asked for.</summary>
    private sealed class User : IAccessUser
    {
        internal AccessObject Access { get; set; } = null!;

        internal List<(ulong Iova, ulong Length)> Pins { get; } = [];

        internal List<(ulong Iova, ulong Length)> Asked { get; } = [];

        public void OnUnmap(ulong iova, ulong length)
        {
            Asked.Add((iova, length));
            foreach ((ulong first, ulong bytes) in Pins.ToArray())
            {
                if (first <= iova + (length - 1) && first + (bytes - 1) >= iova)
                {
                    Access.Unpin(first, bytes);
                    Pins.Remove((first, bytes));
                }
            }
        }
    }
}
