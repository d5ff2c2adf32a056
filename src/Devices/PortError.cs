using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace FastIova;

/// <summary>The words of this floor's errors: the value, the rule, the remedy.</summary>
internal static class PortError
{
    [DoesNotReturn]
    [StackTraceHidden]
    internal static void Argument_NoRoom(int iovas, int hosts) =>
        throw new ArgumentException($"{hosts} places cannot take the answers to {iovas} addresses: give as many places as addresses.", nameof(hosts));

    [DoesNotReturn]
    [StackTraceHidden]
    internal static void Argument_Permissions(int iovas, int access) =>
        throw new ArgumentException($"{access} permissions do not tell what {iovas} addresses are for: give one for each.", nameof(access));

    [DoesNotReturn]
    [StackTraceHidden]
    internal static void Argument_Pasid(uint pasid) =>
        throw new ArgumentException($"PASID {pasid} does not exist: PASIDs have 20 bits, use at most {DmaPort.PasidEnd - 1} or Fault.NoPasid.", nameof(pasid));
}
