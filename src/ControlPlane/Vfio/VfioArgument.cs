using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>How the structs of VFIO come from a caller: their first field says how many bytes there are, which must be enough; more is left alone.</summary>
internal static class VfioArgument
{
    /// <summary>Reads the first bytes of a struct.</summary>
    /// <param name="argument">Where it lies.</param>
    /// <param name="bytes">How many must be there; the rest of the struct is zero.</param>
    /// <param name="value">The struct.</param>
    internal static Errno Read<T>(in CallArgument argument, int bytes, out T value)
        where T : unmanaged
    {
        value = default;
        Span<byte> all = MemoryMarshal.AsBytes(new Span<T>(ref value));
        if (!argument.TryRead(0, all[..bytes]))
        {
            return Errno.BadAddress;
        }

        return MemoryMarshal.Read<uint>(all) < (uint)bytes ? Errno.Invalid : Errno.Success;
    }

    /// <summary>Writes the first bytes of a struct back.</summary>
    internal static Errno Write<T>(in CallArgument argument, T value, int bytes)
        where T : unmanaged =>
        argument.TryWrite(0, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value))[..bytes]) ? Errno.Success : Errno.BadAddress;
}
