using System.Globalization;

namespace FastIova.Tests.ControlPlane;

/// <summary>Everything about a context that a refused call must leave as it was, as a text.</summary>
internal static class Snapshot
{
    internal static string Of(World world)
    {
        IEnumerable<string> objects = world.Context.Objects.Published().Select(one => string.Create(
            CultureInfo.InvariantCulture,
            $"{one.Id} {one.Kind} {(one.IsUnused ? "unused" : "used")} {Detail(one)}"));
        return string.Join('\n', objects.Append($"empty {world.Context.Objects.IsEmpty}").Append($"locked {world.Client.User.LockedPages}").Append($"files {world.Client.OpenFiles}"));
    }

    // An area that was cut in two counts as one: a cut that a later step made useless is not mended.
    private static List<IovaSpan> Joined(IReadOnlyList<IovaSpan> areas)
    {
        List<IovaSpan> joined = [];
        foreach (IovaSpan area in areas)
        {
            if (joined.Count != 0 && joined[^1].Last + 1 == area.First)
            {
                joined[^1] = joined[^1] with { Last = area.Last };
            }
            else
            {
                joined.Add(area);
            }
        }

        return joined;
    }

    private static string Detail(UapiObject one)
    {
        switch (one)
        {
            case IoasObject ioas:
                List<IovaSpan> ranges = [];
                ioas.Space.Ranges(ranges);
                return $"[{string.Join(' ', Joined(ioas.Space.AreaSpans()))}] ranges {string.Join(' ', ranges)} pinned {ioas.Space.PinnedPages} align {ioas.Space.Alignment}"
                    + $" small {ioas.Space.IsLargePagesDisabled} hwpts {ioas.Hwpts.Count}";

            case PagingHwpt hwpt:
                return $"mapped {hwpt.Domain.Table.MappedBytes} tracks {hwpt.Domain.Table.TracksDirty}";

            case DeviceObject { Hardware: FakeDevice fake }:
                return $"attached {fake.AttachedTo?.GetHashCode()} faulting {fake.FaultUsers}";

            case EventQueue queue:
                return $"waiting {queue.HasWaiting}";

            default:
                return string.Empty;
        }
    }
}
