using FastIova;

namespace Emulator;

/// <summary>The registers through which the guest says what devices may reach. Everything hard is in the domain.</summary>
internal sealed class GuestIommu(Domain domain, HostMemory ram) : IBusDevice
{
    // Commands.
    internal const ulong Map = 1;
    internal const ulong Unmap = 2;

    // Registers.
    internal const ulong Iova = 8;
    internal const ulong Guest = 16;
    internal const ulong Length = 24;
    internal const ulong Access = 32;
    internal const ulong Result = 40;

    private readonly ulong[] _registers = new ulong[8];

    public ulong Read(ulong register) => _registers[(register / 8) & 7];

    public void Write(ulong register, ulong value)
    {
        _registers[(register / 8) & 7] = value;
        if (register == Registers.Command)
        {
            // The guest is free to write nonsense: a status comes back, and nothing has changed.
            _registers[Result / 8] = (ulong)(value switch
            {
                Map => domain.TryMap(Read(Iova), ram, Read(Guest), Read(Length), (Permission)Read(Access) & Permission.ReadWrite),
                Unmap => domain.TryUnmap(Read(Iova), Read(Length), out _), // waits for devices that are using it
                _ => MapStatus.BadPermission,
            });
        }
    }
}
