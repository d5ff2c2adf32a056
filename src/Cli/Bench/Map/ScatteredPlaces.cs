namespace FastIova.Cli;

/// <summary>Different pages at random places, in random order, with the places of their table words among the cache lines that these fill.</summary>
internal sealed class ScatteredPlaces
{
    private const int PageLg2 = 12;
    private const int LineWords = 8;

    private readonly ulong _linesOfAperture;

    /// <param name="apertureBytes">The addresses to choose from: zero to here.</param>
    /// <param name="pages">How many pages; at most half of all.</param>
    internal ScatteredPlaces(ulong apertureBytes, int pages)
    {
        ulong slots = apertureBytes >> PageLg2;
        _linesOfAperture = (slots + LineWords - 1) / LineWords;
        var random = new Random(pages);
        var taken = new System.Collections.BitArray((int)slots);
        Iovas = new ulong[pages];
        for (int i = 0; i < pages;)
        {
            int slot = random.Next((int)slots);
            if (!taken[slot])
            {
                taken[slot] = true;
                Iovas[i++] = (ulong)slot << PageLg2;
            }
        }
    }

    /// <summary>The first address of each page.</summary>
    internal ulong[] Iovas { get; }

    /// <summary>Lays the table words of the pages out line by line, without the lines that nobody touches.</summary>
    /// <param name="lines">How many lines they fill.</param>
    /// <returns>For each page the index of its word.</returns>
    internal ulong[] Words(out int lines)
    {
        int[] compact = new int[_linesOfAperture];
        ulong[] words = new ulong[Iovas.Length];
        lines = 0;
        for (int i = 0; i < words.Length; i++)
        {
            ulong word = Iovas[i] >> PageLg2;
            ref int line = ref compact[word / LineWords];
            line = line == 0 ? ++lines : line;
            words[i] = ((ulong)(line - 1) * LineWords) + (word % LineWords);
        }

        return words;
    }
}
