namespace FastIova;

/// <summary>Changes of a present word that readers may change at the same time: they mark it dirty.</summary>
internal static class WordChange
{
    /// <summary>Gives a word another permission and keeps the rest.</summary>
    internal static void Protect(ref ulong word, Permission permission)
    {
        ulong old = Volatile.Read(ref word);
        while (true)
        {
            // Compare-exchange: pairs with TryMarkDirty; a plain store would lose its mark.
            ulong found = Interlocked.CompareExchange(ref word, (old & ~PtWord.PermissionMask) | (ulong)permission, old);
            if (found == old)
            {
                return;
            }

            old = found;
        }
    }

    /// <summary>Whether the page is dirty; and makes it clean when asked to.</summary>
    internal static bool TakeDirty(ref ulong word, bool clear)
    {
        bool dirty = (Volatile.Read(ref word) & PtWord.Dirty) != 0;
        if (dirty && clear)
        {
            // Atomic: pairs with TryMarkDirty.
            Interlocked.And(ref word, ~PtWord.Dirty);
        }

        return dirty;
    }

    /// <summary>Marks a word dirty, for a writer of the table.</summary>
    /// <returns>False when it is absent.</returns>
    internal static bool MarkDirty(ref ulong word)
    {
        if (Volatile.Read(ref word) == 0)
        {
            return false;
        }

        // Atomic: pairs with TryMarkDirty. Only a writer takes words away, and there is one.
        Interlocked.Or(ref word, PtWord.Dirty);
        return true;
    }

    /// <summary>Marks the word dirty as long as it still says what the reader saw.</summary>
    /// <returns>False when a writer changed it meanwhile: look again.</returns>
    /// <remarks>Threads: any reader. A plain atomic OR could raise a word from the dead that an unmap has just cleared.</remarks>
    internal static bool TryMarkDirty(ref ulong word, ulong seen) =>
        Interlocked.CompareExchange(ref word, seen | PtWord.Dirty, seen) == seen;
}
