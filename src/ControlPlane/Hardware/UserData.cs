using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What a caller tells the hardware beside the ioctl's struct: typed bytes in its memory.</summary>
/// <param name="Caller">Whose memory.</param>
/// <param name="Type">What it claims they are.</param>
/// <param name="Address">Where they lie.</param>
/// <param name="Length">How many; zero when there are none.</param>
internal readonly record struct UserData(Caller Caller, uint Type, ulong Address, uint Length)
{
    /// <summary>Copies the bytes by the size law of user data: longer than the struct is refused, a missing tail is zero.</summary>
    /// <param name="type">What the hardware expects; something else is <see cref="Errno.Invalid"/>.</param>
    /// <param name="smallest">The bytes of the first release of the struct.</param>
    /// <param name="value">The copy, or the default.</param>
    internal Errno Read<T>(uint type, int smallest, out T value)
        where T : unmanaged
    {
        value = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<T>(ref value));
        if (Type != type || Length < (uint)smallest || Length > (uint)bytes.Length)
        {
            return Errno.Invalid;
        }

        return Caller.Memory.TryRead(Address, bytes[..(int)Length]) ? Errno.Success : Errno.BadAddress;
    }

    /// <summary>Answers in the same place, as far as the caller knows the struct.</summary>
    /// <param name="value">The answer; <see cref="Read"/> has accepted the length.</param>
    internal Errno Write<T>(in T value)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value));
        return Caller.Memory.TryWrite(Address, bytes[..(int)Length]) ? Errno.Success : Errno.BadAddress;
    }
}

/// <summary>Many entries of user data, one behind the other.</summary>
/// <param name="Caller">Whose memory.</param>
/// <param name="Type">What the caller claims they are.</param>
/// <param name="Address">Where the first lies.</param>
/// <param name="EntryLength">The bytes of each.</param>
/// <param name="Count">How many; zero asks whether the type is known.</param>
internal readonly record struct UserDataArray(Caller Caller, uint Type, ulong Address, uint EntryLength, uint Count)
{
    /// <summary>Copies one entry, as <see cref="UserData.Read"/> does.</summary>
    /// <param name="index">Which one, below <see cref="Count"/>.</param>
    /// <param name="type">What the hardware expects.</param>
    /// <param name="smallest">The bytes of the first release of the struct.</param>
    /// <param name="value">The copy, or the default.</param>
    internal Errno Read<T>(uint index, uint type, int smallest, out T value)
        where T : unmanaged => new UserData(Caller, Type, Address + ((ulong)EntryLength * index), EntryLength).Read(type, smallest, out value);

    /// <summary>Copies all entries at once, by the size law of ioctls: an unknown tail must be zero, a missing one is.</summary>
    /// <param name="type">What the hardware expects; something else is <see cref="Errno.Invalid"/>.</param>
    /// <param name="values">Receives the entries, as many as there are.</param>
    internal Errno ReadAll<T>(uint type, Span<T> values)
        where T : unmanaged
    {
        if (Type != type || Count == 0)
        {
            return Errno.Invalid;
        }

        if (EntryLength == (uint)Marshal.SizeOf<T>())
        {
            return Caller.Memory.TryRead(Address, MemoryMarshal.AsBytes(values)) ? Errno.Success : Errno.BadAddress;
        }

        for (int i = 0; i < values.Length; i++)
        {
            var entry = new CallArgument(Caller.Memory, Address + ((ulong)EntryLength * (uint)i));
            Errno errno = SizeLaw.Copy(entry, EntryLength, MemoryMarshal.AsBytes(values.Slice(i, 1)));
            if (errno != Errno.Success)
            {
                return errno;
            }
        }

        return Errno.Success;
    }
}
