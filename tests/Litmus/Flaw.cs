namespace FastIova.Litmus;

/// <summary>The step that a control leaves out of the order of an unmap.</summary>
internal enum Flaw
{
    /// <summary>Nothing is left out: the engine's own code runs.</summary>
    None = 0,

    /// <summary>Does not wait for the readers that are inside a scope.</summary>
    SkipWait = 1,

    /// <summary>Does not tell the ports which translations are gone from the table.</summary>
    SkipInvalidate = 2,

    /// <summary>Leaves the words in the table.</summary>
    SkipClear = 3,

    /// <summary>The readers enter with plain stores, and the writer does not know that it must issue the barrier for them.</summary>
    SkipFence = 4,

    /// <summary>Narrows a permission without telling the ports and without waiting.</summary>
    SkipProtectFlush = 5,
}
