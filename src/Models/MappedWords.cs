namespace FastIova;

/// <summary>Registers in memory that a driver has mapped: tells what the driver has written from what the model shows.</summary>
/// <remarks>
/// Owns: what each word was last seen or made to be.
/// Invariant: a write of the driver is taken once or, when another one follows before the model looks, replaced by it; the model never
/// covers a write that it has not taken. A write of the very value that the word has is not seen.
/// Threads: one at a time; the driver writes meanwhile.
/// </remarks>
internal sealed class MappedWords
{
    private readonly uint[] _known;

    /// <param name="words">How many words of the BAR are registers, from its beginning.</param>
    internal MappedWords(int words) => _known = new uint[words];

    /// <summary>Takes what the driver has written.</summary>
    /// <param name="memory">The BAR.</param>
    /// <param name="index">The word.</param>
    /// <param name="value">What is there.</param>
    /// <returns>Whether it was written since the last look.</returns>
    internal bool Take(Span<uint> memory, int index, out uint value)
    {
        // Acquire: what the driver wrote before this word is there when the model reads it.
        value = Volatile.Read(ref memory[index]);
        bool written = value != _known[index];
        _known[index] = value;
        return written;
    }

    /// <summary>Shows a value, unless the driver has written a new one meanwhile.</summary>
    internal void Show(Span<uint> memory, int index, uint value)
    {
        uint known = _known[index];
        if (known != value && Interlocked.CompareExchange(ref memory[index], value, known) == known)
        {
            _known[index] = value;
        }
    }
}
