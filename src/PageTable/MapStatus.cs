namespace FastIova;

/// <summary>Why a change of a page table was refused. Whatever was refused has changed nothing.</summary>
public enum MapStatus : byte
{
    /// <summary>Done.</summary>
    Success = 0,

    /// <summary>The length is zero.</summary>
    ZeroLength = 1,

    /// <summary>The IOVA, the host address or the length is no multiple of the granule.</summary>
    Misaligned = 2,

    /// <summary>The range of IOVAs or of host addresses wraps past the last 64-bit address.</summary>
    Wraps = 3,

    /// <summary>The range does not lie in the aperture.</summary>
    OutsideAperture = 4,

    /// <summary>Part of the range is mapped already.</summary>
    Overlap = 5,

    /// <summary>The permission is none, or not a permission.</summary>
    BadPermission = 6,

    /// <summary>Part of the host range is not mapped memory of this process.</summary>
    HostNotMapped = 7,

    /// <summary>There is no memory for a leaf table.</summary>
    OutOfMemory = 8,

    /// <summary>The lists of a scattered map differ in length.</summary>
    LengthsDiffer = 9,
}
