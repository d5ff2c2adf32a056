using System.Numerics;

namespace FastIova;

/// <summary>The ids in use, from 1; the lowest free one is taken next.</summary>
/// <remarks>Invariant: no word before <c>_lowest</c> has a free id. Threads: one at a time.</remarks>
internal sealed class IdSet
{
    // Bit n of word w: id 64 * w + n is in use. Id 0 always is.
    private ulong[] _words = [1, 0];
    private int _lowest;

    /// <summary>The ids in use.</summary>
    internal int Count { get; private set; }

    /// <summary>Takes the lowest free id.</summary>
    internal uint Take()
    {
        while (_lowest < _words.Length && _words[_lowest] == ulong.MaxValue)
        {
            _lowest++;
        }

        if (_lowest == _words.Length)
        {
            Array.Resize(ref _words, _words.Length * 2);
        }

        int bit = BitOperations.TrailingZeroCount(~_words[_lowest]);
        _words[_lowest] |= 1UL << bit;
        Count++;
        return (uint)((_lowest * 64) + bit);
    }

    /// <summary>Gives an id back.</summary>
    internal void Return(uint id)
    {
        int word = (int)(id / 64);
        _words[word] &= ~(1UL << (int)(id % 64));
        _lowest = Math.Min(_lowest, word);
        Count--;
    }
}
