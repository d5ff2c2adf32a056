namespace FastIova.Cli;

/// <summary>A common way to translate IOVAs, which the engine is measured against in the same run.</summary>
/// <remarks>
/// All comparators keep one contract, so that one model tests them all. The unit is the page of 4 KiB; mappings never
/// overlap; a host address is never below <see cref="PageBytes"/>, so that 0 can mean "no translation".
/// Threads: one; a caller with several holds a lock around each call, as users of such maps do.
/// </remarks>
internal interface IComparator : IDisposable
{
    /// <summary>The bytes of a page.</summary>
    internal const ulong PageBytes = 1UL << PageLg2;

    /// <summary>The log2 of <see cref="PageBytes"/>.</summary>
    internal const int PageLg2 = 12;

    /// <summary>What tables of results call it.</summary>
    string Name { get; }

    /// <summary>Makes room, so that the growth of arrays is not measured.</summary>
    /// <param name="mappings">The mappings of 4 KiB that will be live at one time.</param>
    void Reserve(int mappings);

    /// <summary>Maps a range.</summary>
    /// <param name="iova">The start, a multiple of a page.</param>
    /// <param name="host">The host address of the start, a multiple of a page, not 0.</param>
    /// <param name="bytes">A multiple of a page, not 0.</param>
    /// <param name="p">What a device may do there; not <see cref="Permission.None"/>.</param>
    /// <returns>False, with nothing changed, when a page is mapped already or an argument is not as said.</returns>
    bool TryMap(ulong iova, ulong host, ulong bytes, Permission p);

    /// <summary>Maps many ranges: the fast way to build a large set.</summary>
    /// <param name="mappings">The ranges, in any order.</param>
    /// <returns>False, with nothing changed, when one of them cannot be mapped.</returns>
    bool TryMapAll(ReadOnlySpan<Mapping> mappings)
    {
        for (int i = 0; i < mappings.Length; i++)
        {
            Mapping mapping = mappings[i];
            if (!TryMap(mapping.Iova, mapping.Host, mapping.Bytes, mapping.Permission))
            {
                while (--i >= 0)
                {
                    Unmap(mappings[i].Iova, mappings[i].Bytes);
                }

                return false;
            }
        }

        return true;
    }

    /// <summary>Unmaps every page of a range: many mappings, one, or a part of one.</summary>
    /// <param name="iova">The start, a multiple of a page.</param>
    /// <param name="bytes">A multiple of a page.</param>
    /// <returns>False when no page of the range was mapped, or an argument is not as said.</returns>
    bool Unmap(ulong iova, ulong bytes);

    /// <summary>Translates one address.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="wanted">What the access does; <see cref="Permission.None"/> when that is not known.</param>
    /// <returns>The host address, or 0 when nothing is mapped there or the mapping does not allow it.</returns>
    ulong Translate(ulong iova, Permission wanted);
}
