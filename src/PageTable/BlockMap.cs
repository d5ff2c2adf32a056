using System.Numerics;

namespace FastIova;

/// <summary>A demand-zero bitmap of the blocks of a root that were ever written, so that scans over sparse tables are short.</summary>
/// <remarks>Owns: its memory. Threads: the writer of the table.</remarks>
internal sealed unsafe class BlockMap : IDisposable
{
    private readonly VirtualMemory _memory;
    private readonly ulong* _words;
    private readonly ulong _blocks;

    /// <param name="blocks">How many blocks there are.</param>
    internal BlockMap(ulong blocks)
    {
        _blocks = blocks;
        _memory = VirtualMemory.Reserve((blocks + 63) / 64 * sizeof(ulong), hugePages: false);
        // SAFETY: one bit per block, as long as this lives.
        _words = (ulong*)_memory.Start;
    }

    /// <summary>Blocks that are marked.</summary>
    internal ulong Count { get; private set; }

    internal void Mark(ulong block)
    {
        ulong bit = 1UL << (int)(block & 63);
        ref ulong word = ref _words[block >> 6];
        Count += (word & bit) == 0 ? 1UL : 0;
        word |= bit;
    }

    internal void Unmark(ulong block)
    {
        ulong bit = 1UL << (int)(block & 63);
        ref ulong word = ref _words[block >> 6];
        Count -= (word & bit) != 0 ? 1UL : 0;
        word &= ~bit;
    }

    /// <summary>The first marked block from <paramref name="block"/> on.</summary>
    /// <returns>Its number, or <see cref="ulong.MaxValue"/> when there is none up to <paramref name="last"/>.</returns>
    internal ulong Next(ulong block, ulong last)
    {
        last = Math.Min(last, _blocks - 1);
        while (block <= last)
        {
            ulong rest = _words[block >> 6] >> (int)(block & 63);
            if (rest != 0)
            {
                block += (ulong)BitOperations.TrailingZeroCount(rest);
                return block <= last ? block : ulong.MaxValue;
            }

            block = (block | 63) + 1;
        }

        return ulong.MaxValue;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
