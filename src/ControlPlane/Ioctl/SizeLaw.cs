using System.Buffers.Binary;

namespace FastIova;

/// <summary>How a struct comes from a caller that may know another release of it: missing bytes are zero, unknown ones must be.</summary>
internal static class SizeLaw
{
    // Far beyond any struct; a longer tail is scanned in pieces.
    private const int PieceBytes = 4096;

    /// <summary>Reads the first field, which says how many bytes the caller knows.</summary>
    internal static Errno ReadSize(in CallArgument argument, out uint size)
    {
        Span<byte> field = stackalloc byte[sizeof(uint)];
        bool isRead = argument.TryRead(0, field);
        size = isRead ? BinaryPrimitives.ReadUInt32LittleEndian(field) : 0;
        return isRead ? Errno.Success : Errno.BadAddress;
    }

    /// <summary>Copies the struct.</summary>
    /// <param name="argument">Where it lies.</param>
    /// <param name="size">The bytes that the caller knows, not below the smallest size.</param>
    /// <param name="command">As long as this release knows it.</param>
    /// <returns><see cref="Errno.TooBig"/> when the caller says something that this release does not know; looked at before the known part.</returns>
    internal static Errno Copy(in CallArgument argument, uint size, scoped Span<byte> command)
    {
        int known = (int)Math.Min(size, (uint)command.Length);
        if (size > (uint)command.Length)
        {
            Errno errno = CheckTail(argument, (uint)command.Length, size);
            if (errno != Errno.Success)
            {
                return errno;
            }
        }

        if (!argument.TryRead(0, command[..known]))
        {
            return Errno.BadAddress;
        }

        command[known..].Clear();
        return Errno.Success;
    }

    // The first byte that is not zero decides, even if memory behind it cannot be read.
    private static Errno CheckTail(in CallArgument argument, ulong first, ulong end)
    {
        Span<byte> piece = stackalloc byte[PieceBytes];
        for (ulong at = first; at < end;)
        {
            // Up to the end of a page of the caller: what is readable ends there.
            int length = (int)Math.Min(end - at, PieceBytes - ((argument.Value + at) % PieceBytes));
            if (!argument.TryRead(at, piece[..length]))
            {
                return Errno.BadAddress;
            }

            if (piece[..length].ContainsAnyExcept((byte)0))
            {
                return Errno.TooBig;
            }

            at += (uint)length;
        }

        return Errno.Success;
    }
}
