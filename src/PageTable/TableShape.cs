namespace FastIova;

/// <summary>How a domain keeps its translations.</summary>
public enum TableShape
{
    /// <summary>A flat root over leaf tables: memory follows what is mapped. The default.</summary>
    TwoLevel = 0,

    /// <summary>
    /// One array over the whole aperture: one load per look-up, for 2 MiB of memory per touched GiB and 512 GiB of address
    /// space at 48 bits. Right for small, densely mapped windows.
    /// </summary>
    Linear = 1,
}
