using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>The translation loops of one port by PASID. Finding one takes two loads, however many there are.</summary>
/// <remarks>
/// <para>Owns: nothing but its arrays: 8 KiB when the first PASID is attached, and as much for each 1024 numbers in which one was.</para>
/// <para>Invariant: a place holds the loop of what is attached, or one that is attached to nothing, and never changes to null.</para>
/// <para>Threads: any look up; one at a time changes it, and waits for the readers of what it replaced.</para>
/// </remarks>
internal sealed class PasidTable
{
    private const int LeafLg2 = 10;
    private const uint LeafEnd = 1u << LeafLg2;

    private readonly Translator _detached;
    private Translator[]?[] _leaves = [];

    /// <param name="detached">What stands where nothing is attached.</param>
    internal PasidTable(Translator detached) => _detached = detached;

    /// <summary>The loop of a PASID; every number is allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Translator Of(uint pasid)
    {
        // Acquire, pairs with the releases in Set: otherwise a leaf or a loop could be seen before it was filled.
        Translator[]?[] leaves = Volatile.Read(ref _leaves);
        uint at = pasid >> LeafLg2;
        return at < (uint)leaves.Length && Volatile.Read(ref leaves[at]) is { } leaf ? Volatile.Read(ref leaf[pasid & (LeafEnd - 1)]) : _detached;
    }

    /// <summary>Attaches a PASID, which is below <see cref="DmaPort.PasidEnd"/>.</summary>
    /// <param name="pasid">The PASID.</param>
    /// <param name="loop">Its loop, or null for nothing.</param>
    internal void Set(uint pasid, Translator? loop)
    {
        if (_leaves.Length == 0)
        {
            Volatile.Write(ref _leaves, new Translator[]?[DmaPort.PasidEnd >> LeafLg2]);
        }

        ref Translator[]? place = ref _leaves[pasid >> LeafLg2];
        if (place is null)
        {
            var leaf = new Translator[LeafEnd];
            Array.Fill(leaf, _detached);
            Volatile.Write(ref place, leaf);
        }

        Volatile.Write(ref place[pasid & (LeafEnd - 1)], loop ?? _detached);
    }

    /// <summary>Attaches every PASID to nothing.</summary>
    internal void Clear() => Volatile.Write(ref _leaves, []);
}
