using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One ioctl while it runs: who calls, on what, and its struct in the length that this release knows.</summary>
/// <remarks>A handler starts with a struct that obeys the size law; what it writes into the struct is seen by nobody before it responds.</remarks>
internal readonly ref struct IoctlCall
{
    private readonly Span<byte> _command;
    private readonly CallArgument _argument;
    private readonly int _userBytes;
    private readonly ref long _answer;

    internal IoctlCall(IommufdContext context, Caller caller, Span<byte> command, CallArgument argument, uint userBytes, ref long answer)
    {
        _answer = ref answer;
        Context = context;
        Caller = caller;
        _command = command;
        _argument = argument;
        _userBytes = (int)Math.Min(userBytes, (uint)command.Length);
    }

    /// <summary>The context of the file.</summary>
    internal IommufdContext Context { get; }

    /// <summary>Who calls.</summary>
    internal Caller Caller { get; }

    /// <summary>The objects of the context.</summary>
    internal ObjectTable Objects => Context.Objects;

    /// <summary>What the call answers when it succeeds: zero, unless it is a descriptor.</summary>
    internal long Answer { set => _answer = value; }

    /// <summary>The struct.</summary>
    internal ref T Command<T>()
        where T : unmanaged => ref MemoryMarshal.AsRef<T>(_command);

    /// <summary>Writes the struct back, as far as the caller knows it.</summary>
    internal Errno Respond() => Write(0, _command[.._userBytes]);

    /// <summary>Writes the struct back and lets everybody find a new object; or ends the object, when the caller cannot take the answer.</summary>
    /// <param name="reserved">The object, whose id is in the struct.</param>
    internal Errno Publish(UapiObject reserved)
    {
        Errno errno = Respond();
        if (errno == Errno.Success)
        {
            Objects.Publish(reserved);
        }
        else
        {
            Objects.Abort(reserved);
        }

        return errno;
    }

    /// <summary>Writes one part of the struct back, whatever the length that the caller gave.</summary>
    /// <param name="offset">Where the part begins.</param>
    /// <param name="length">Its bytes.</param>
    internal Errno Respond(int offset, int length) => Write(offset, _command.Slice(offset, length));

    private Errno Write(int offset, ReadOnlySpan<byte> bytes) => _argument.TryWrite((ulong)offset, bytes) ? Errno.Success : Errno.BadAddress;
}
