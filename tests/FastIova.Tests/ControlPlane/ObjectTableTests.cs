using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Ids, births, users and deaths, with objects that are nothing else.</summary>
public sealed class ObjectTableTests
{
    [Fact]
    public void IdsBeginAtOneAndTheLowestFreeOneComesNext()
    {
        using var world = new World();
        Thing[] things = [.. Enumerable.Range(0, 200).Select(_ => Born(world))];
        Assert.Equal(Enumerable.Range(1, 200).Select(id => (uint)id), things.Select(thing => thing.Id));
        Assert.Equal(Errno.Success, world.Context.Objects.Remove(70));
        Assert.Equal(Errno.Success, world.Context.Objects.Remove(7));
        Assert.Equal(7u, Born(world).Id);
        Assert.Equal(70u, Born(world).Id);
        Assert.Equal(201u, Born(world).Id);
    }

    [Fact]
    public void AReservedObjectIsFoundByNobodyAndKeepsItsId()
    {
        using var world = new World();
        ObjectTable table = world.Context.Objects;
        var thing = new Thing(world.Context);
        Assert.Equal(Errno.Success, table.Reserve(thing));
        Assert.False(table.IsEmpty);
        Assert.Equal(Errno.NotFound, table.Get<UapiObject>(thing.Id, out _));
        Assert.Equal(Errno.NotFound, table.Remove(thing.Id));
        Assert.Equal(2u, Born(world).Id);
        table.Abort(thing);
        Assert.Equal(1, thing.Deaths);
        Assert.Equal(1u, Born(world).Id);
    }

    [Fact]
    public void AnotherKindIsNotFound()
    {
        using var world = new World();
        Thing thing = Born(world);
        Assert.Equal(Errno.NotFound, world.Context.Objects.Get<IoasObject>(thing.Id, out _));
        Assert.Equal(Errno.NotFound, world.Context.Objects.Get<UapiObject>(0, out _));
        Assert.Equal(Errno.NotFound, world.Context.Objects.Get<UapiObject>(uint.MaxValue, out _));
        Assert.Equal(Errno.Success, world.Context.Objects.Get(thing.Id, out UapiObject? found));
        Assert.Same(thing, found);
        found!.LetGo();
    }

    [Fact]
    public void WhoUsesAnObjectKeepsItFromBeingRemoved()
    {
        using var world = new World();
        Thing thing = Born(world);
        thing.AddUser();
        Assert.Equal(Errno.Busy, world.Context.Objects.Remove(thing.Id));
        thing.RemoveUser();
        Assert.True(thing.TryHold());
        Assert.Equal(Errno.Busy, world.Context.Objects.Remove(thing.Id));
        thing.LetGo();
        Assert.Equal(Errno.Success, world.Context.Objects.Remove(thing.Id));
        Assert.Equal(Errno.NotFound, world.Context.Objects.Remove(thing.Id));
        Assert.Equal(1, thing.Deaths);
        Assert.False(thing.TryHold());
    }

    [Fact]
    public void WhoOwnsAnObjectWaitsForThoseWhoHoldIt()
    {
        using var world = new World();
        Thing thing = Born(world);
        thing.AddUser();
        Assert.True(thing.TryHold());
        Errno errno = Errno.Invalid;
        var remover = new Thread(() => errno = world.Context.Objects.RemoveOwned(thing));
        remover.Start();
        var spin = new SpinWait();
        while ((remover.ThreadState & ThreadState.WaitSleepJoin) == ThreadState.Running)
        {
            spin.SpinOnce();
        }

        Assert.Equal(0, thing.Deaths);
        thing.LetGo();
        remover.Join();
        Assert.Equal(Errno.Success, errno);
        Assert.Equal(1, thing.Deaths);
    }

    [Fact]
    public void AnOwnedObjectThatSomebodyElseUsesStays()
    {
        using var world = new World();
        Thing thing = Born(world);
        thing.AddUser();
        thing.AddUser();
        Assert.Equal(Errno.Busy, world.Context.Objects.RemoveOwned(thing));
        thing.RemoveUser();
        Assert.True(thing.TryHold());
        thing.LetGo();
        Assert.Equal(0, thing.Deaths);
    }

    [Fact]
    public void ClosingDestroysLeavesFirst()
    {
        var world = new World();
        List<uint> deaths = [];
        Thing root = Born(world, deaths);
        Thing middle = Born(world, deaths, root);
        Thing leaf = Born(world, deaths, middle);
        Thing other = Born(world, deaths, root);
        world.Dispose();
        Assert.Equal(4, deaths.Count);
        Assert.True(deaths.IndexOf(leaf.Id) < deaths.IndexOf(middle.Id));
        Assert.True(deaths.IndexOf(middle.Id) < deaths.IndexOf(root.Id));
        Assert.True(deaths.IndexOf(other.Id) < deaths.IndexOf(root.Id));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void TheTableDoesWhatAListOfObjectsWould(int seed) => Seeded.Run(seed, random =>
    {
        using var world = new World();
        ObjectTable table = world.Context.Objects;
        var model = new SortedDictionary<uint, (Thing Thing, bool Published, int Users)>();
        for (int i = 0; i < 5000; i++)
        {
            uint id = (uint)random.Next(0, 40);
            bool known = model.TryGetValue(id, out (Thing Thing, bool Published, int Users) entry);
            switch (random.Next(6))
            {
                case 0:
                    var newcomer = new Thing(world.Context);
                    Assert.Equal(Errno.Success, table.Reserve(newcomer));
                    uint lowest = 1;
                    while (model.ContainsKey(lowest))
                    {
                        lowest++;
                    }

                    Assert.Equal(lowest, newcomer.Id);
                    model[newcomer.Id] = (newcomer, false, 0);
                    break;

                case 1 when known && !entry.Published:
                    table.Publish(entry.Thing);
                    model[id] = entry with { Published = true };
                    break;

                case 2 when known && !entry.Published:
                    table.Abort(entry.Thing);
                    Assert.Equal(1, entry.Thing.Deaths);
                    model.Remove(id);
                    break;

                case 3:
                    Errno expected = !known || !entry.Published ? Errno.NotFound : entry.Users != 0 ? Errno.Busy : Errno.Success;
                    Assert.Equal(expected, table.Remove(id));
                    if (expected == Errno.Success)
                    {
                        model.Remove(id);
                    }

                    break;

                case 4 when known && entry.Published:
                    entry.Thing.AddUser();
                    model[id] = entry with { Users = entry.Users + 1 };
                    break;

                case 5 when known && entry.Users != 0:
                    entry.Thing.RemoveUser();
                    model[id] = entry with { Users = entry.Users - 1 };
                    break;
            }
        }

        foreach ((Thing thing, bool published, int users) in model.Values)
        {
            Assert.Equal(published ? Errno.Success : Errno.NotFound, table.Get(thing.Id, out UapiObject? found));
            found?.LetGo();
            if (!published)
            {
                table.Abort(thing);
            }

            thing.AddUsers(-users);
        }
    });

    [Fact]
    public void ManyThreadsFindRemoveAndMakeObjectsWithoutLosingOne()
    {
        using var world = new World();
        ObjectTable table = world.Context.Objects;
        int births = 0;
        int deaths = 0;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            var random = new Random(number);
            for (int i = 0; i < 20_000; i++)
            {
                uint id = (uint)random.Next(1, 24);
                switch (random.Next(3))
                {
                    case 0 when Volatile.Read(ref births) - Volatile.Read(ref deaths) < 20:
                        Interlocked.Increment(ref births);
                        Born(world);
                        break;
                    case 1:
                        if (table.Remove(id) == Errno.Success)
                        {
                            Interlocked.Increment(ref deaths);
                        }

                        break;
                    default:
                        if (table.Get(id, out Thing? found) == Errno.Success)
                        {
                            Assert.Equal(0, found!.Deaths);
                            Assert.Equal(id, found.Id);
                            found.LetGo();
                        }

                        break;
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(births - deaths, table.Published().Count());
    }

    private static Thing Born(World world, List<uint>? deaths = null, Thing? uses = null)
    {
        var thing = new Thing(world.Context, deaths, uses);
        Assert.Equal(Errno.Success, world.Context.Objects.Reserve(thing));
        world.Context.Objects.Publish(thing);
        return thing;
    }

    private sealed class Thing : UapiObject
    {
        private readonly List<uint>? _deaths;
        private readonly Thing? _uses;

        internal Thing(IommufdContext context, List<uint>? deaths = null, Thing? uses = null)
            : base(context, ObjectKind.Test)
        {
            _deaths = deaths;
            _uses = uses;
            uses?.AddUser();
        }

        internal int Deaths { get; private set; }

        internal override void Destroy()
        {
            Deaths++;
            _deaths?.Add(Id);
            _uses?.RemoveUser();
        }
    }
}
