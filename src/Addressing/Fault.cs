using System.Globalization;

namespace FastIova;

/// <summary>Why an access could not be translated.</summary>
public enum FaultReason : byte
{
    /// <summary>No fault.</summary>
    None = 0,

    /// <summary>No mapping covers the address.</summary>
    NotMapped = 1,

    /// <summary>The mapping does not allow what the access wants.</summary>
    PermissionDenied = 2,

    /// <summary>The address lies outside the aperture of the domain.</summary>
    OutsideAperture = 3,

    /// <summary>An atomic access is not naturally aligned.</summary>
    Misaligned = 4,

    /// <summary>The range wraps past the last address.</summary>
    Wraps = 5,

    /// <summary>The port is attached to no domain.</summary>
    NotAttached = 6,

    /// <summary>The page lies in another process, where the engine can only copy it: reads and writes of a port do, everything that needs an address faults.</summary>
    Remote = 7,
}

/// <summary>A failed access, as a value: nothing is thrown on the data path.</summary>
/// <param name="Iova">The first address that could not be translated.</param>
/// <param name="Wanted">What the access wanted to do.</param>
/// <param name="Reason">Why it failed; <see cref="FaultReason.None"/> in a default value.</param>
/// <param name="Device">The number that the owner of the port gave its device.</param>
/// <param name="Pasid">The process address space of the access, or <see cref="NoPasid"/>.</param>
public readonly record struct Fault(ulong Iova, Permission Wanted, FaultReason Reason, uint Device, uint Pasid)
{
    /// <summary>The value of <see cref="Pasid"/> of an access without one: PASIDs have 20 bits (PCIe 6.0, §6.20).</summary>
    public const uint NoPasid = uint.MaxValue;

    /// <summary>The fault as one readable line.</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        string pasid = Pasid == NoPasid ? "no PASID" : string.Create(CultureInfo.InvariantCulture, $"PASID {Pasid}");
        return string.Create(CultureInfo.InvariantCulture, $"{Reason} at IOVA 0x{Iova:x}, {Wanted} wanted, device {Device}, {pasid}");
    }
}
