using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace FastIova;

/// <summary>A change of a domain that was refused. Nothing was changed.</summary>
public sealed class MapRefusedException : ArgumentException
{
    internal MapRefusedException(MapStatus status, string message)
        : base(message) => Status = status;

    /// <summary>The rule that was broken.</summary>
    public MapStatus Status { get; }
}

/// <summary>The words of this floor's errors: the value, the rule, the remedy.</summary>
internal static class DomainError
{
    [DoesNotReturn]
    [StackTraceHidden]
    internal static void MapRefused_Status(MapStatus status, ulong iova, ulong host, ulong length, Permission permission, Domain domain)
    {
        string granule = $"0x{1UL << (int)domain.Options.Granule:x}";
        throw new MapRefusedException(status, status switch
        {
            MapStatus.ZeroLength => $"The length at IOVA 0x{iova:x} is zero: a mapping has at least one granule of {granule} bytes.",
            MapStatus.Misaligned => $"IOVA 0x{iova:x}, host 0x{host:x} and length 0x{length:x} must all be multiples of the granule, {granule} bytes.",
            MapStatus.Wraps => $"0x{length:x} bytes from IOVA 0x{iova:x} or host 0x{host:x} wrap past 2^64: shorten the range.",
            MapStatus.OutsideAperture => $"0x{length:x} bytes from IOVA 0x{iova:x} leave the aperture {domain.Options.Aperture}: choose an address inside it.",
            MapStatus.Overlap => $"Part of 0x{length:x} bytes from IOVA 0x{iova:x} is mapped already: unmap it first.",
            MapStatus.BadPermission => $"Permission {permission} of the mapping at IOVA 0x{iova:x} is none that a mapping can have: use Read, Write or ReadWrite.",
            MapStatus.HostNotMapped => $"Part of 0x{length:x} bytes at host address 0x{host:x} is not mapped in this process: allocate it before it is mapped for devices.",
            MapStatus.OutOfMemory => $"There is no memory for the page table of 0x{length:x} bytes from IOVA 0x{iova:x}: free memory or raise the limit.",
            MapStatus.LengthsDiffer => "The list of IOVAs and the list of host addresses differ in length: give one host page for each IOVA.",
            _ => $"The change at IOVA 0x{iova:x} was refused: {status}.",
        });
    }

    [DoesNotReturn]
    [StackTraceHidden]
    internal static void Argument_Aperture(DomainOptions options, int widestLg2) => throw new ArgumentException(
        $"The aperture {options.Aperture} of a {options.Shape} domain must not be empty and must end below 2^{widestLg2}.",
        nameof(options));

    [DoesNotReturn]
    [StackTraceHidden]
    internal static void Argument_LargestPage(DomainOptions options) => throw new ArgumentException(
        $"LargestPageLg2 {options.LargestPageLg2} must be from the granule's {(int)options.Granule} to 63.",
        nameof(options));
}
