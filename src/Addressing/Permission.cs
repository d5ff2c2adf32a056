namespace FastIova;

/// <summary>What a device may do with a mapped page, or what an access wants to do.</summary>
[Flags]
public enum Permission : byte
{
    /// <summary>No access. Refused for a mapping; for a look-up it means "direction unknown": any mapping will do.</summary>
    None = 0,

    /// <summary>The device may read memory.</summary>
    Read = 1,

    /// <summary>The device may write memory.</summary>
    Write = 2,

    /// <summary>The device may read and write memory.</summary>
    ReadWrite = Read | Write,
}
