namespace FastIova;

/// <summary>Structs that carry their own size, so that programs built with an older or newer header work: the law of iommufd's structs.</summary>
internal static unsafe class Sized
{
    private const uint LongestBytes = 4096;

    /// <summary>Copies a struct of the caller's size into one of this build's.</summary>
    /// <param name="from">The caller's.</param>
    /// <param name="size">The size that the caller says.</param>
    /// <param name="to">This build's, zero before.</param>
    /// <param name="bytes">The size of this build's.</param>
    /// <returns>Zero, or a negative errno: EINVAL for a size that cannot be, E2BIG for a tail that this build does not know and that is not zero.</returns>
    internal static int Read(void* from, uint size, void* to, int bytes)
    {
        if (size is < sizeof(uint) or > LongestBytes)
        {
            return Refusal.Because(Errno.Invalid, $"The struct says that it has {size} bytes: set its size to sizeof of it.");
        }

        // SAFETY: the caller promises size bytes; the other side has as many as it says.
        var source = new ReadOnlySpan<byte>(from, (int)size);
        int common = Math.Min((int)size, bytes);
        if (source[common..].ContainsAnyExcept((byte)0))
        {
            return Refusal.Because(Errno.TooBig, "The struct has fields set that this library does not know: install a newer one, or leave them zero.");
        }

        source[..common].CopyTo(new Span<byte>(to, bytes));
        return 0;
    }

    /// <summary>Checks that nothing is asked for that this build does not know: a later one may give it a meaning.</summary>
    /// <param name="flags">The flags that are set.</param>
    /// <param name="known">Those that there are.</param>
    /// <param name="reserved">A field without a meaning.</param>
    /// <returns>Zero, or a negative errno.</returns>
    internal static int Check(uint flags, uint known, uint reserved) =>
        (flags & ~known) != 0 ? Refusal.Because(Errno.Invalid, $"0x{flags & ~known:x} are no flags here: use those that the header names.")
        : reserved != 0 ? Refusal.Because(Errno.Invalid, "A reserved field is set: leave it zero.")
        : 0;
}
