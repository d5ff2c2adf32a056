namespace FastIova;

/// <summary>What the mmap system call was given, but for the address, which is the caller's own business.</summary>
/// <param name="Offset">The offset in bytes.</param>
/// <param name="Length">The length in bytes.</param>
/// <param name="Protection">PROT_READ, PROT_WRITE, PROT_EXEC.</param>
/// <param name="Flags">MAP_SHARED and others.</param>
internal readonly record struct MapRequest(ulong Offset, ulong Length, int Protection, int Flags)
{
    private const int Execute = 4;
    private const int KindMask = 0xf;
    private const int Shared = 1;
    private const int Private = 2;
    private const int SharedValidate = 3;
    private const ulong PageOffset = Frame.PageBytes - 1;

    /// <summary>Whether others see what is written.</summary>
    internal bool IsShared => (Flags & KindMask) is Shared or SharedValidate;

    /// <summary>Whether the mapping can hold code.</summary>
    internal bool IsExecutable => (Protection & Execute) != 0;

    /// <summary>Checks what Linux checks for every file, in its order.</summary>
    /// <param name="length">The length in whole pages.</param>
    internal Errno Check(out ulong length)
    {
        length = (Length + PageOffset) & ~PageOffset;
        if ((Offset & PageOffset) != 0 || Length == 0)
        {
            return Errno.Invalid;
        }

        if (length == 0)
        {
            return Errno.OutOfMemory;
        }

        // A file may have offsets up to the top, but for the length of the mapping.
        if (Offset > ulong.MaxValue - length)
        {
            return Errno.Overflow;
        }

        return (Flags & KindMask) is Shared or Private or SharedValidate ? Errno.Success : Errno.Invalid;
    }
}
