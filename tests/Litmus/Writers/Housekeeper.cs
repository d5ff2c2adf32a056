namespace FastIova.Litmus;

/// <summary>Frees empty leaf tables, clears dirty marks, and turns the marking on and off, all under the feet of the others.</summary>
internal sealed class Housekeeper(World world, Tally tally, Random random) : Actor(world, tally, random)
{
    private readonly ulong[] _bitmap = new ulong[64];

    internal override void Turn()
    {
        Domain domain = Random.Next(4) == 0 ? World.Linear : World.TwoLevel;
        switch (Random.Next(8))
        {
            case 0:
                domain.TrackDirty(!domain.TracksDirty);
                break;
            case 1:
            case 2:
            case 3:
                Site site = World.Sites[Random.Next(World.Sites.Length)];
                ulong length = Math.Min(site.Bytes, (ulong)_bitmap.Length * 64 * HostBlocks.PageBytes);
                Array.Clear(_bitmap);
                _ = site.Domain.ReadDirty(site.Iova, length, 12, _bitmap, clear: true);
                Tally.Add(Count.DirtyClears);
                break;
            case 4:
                _ = domain.TryUnmap([], out _, out _);
                break;
            default:
                Tally.Add(Count.TablesTrimmed, domain.Trim());
                Tally.Add(Count.Trims);
                break;
        }
    }
}
