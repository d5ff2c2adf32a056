using System.Globalization;
using System.Text;

namespace FastIova;

/// <summary>The kernel's <c>fail-nth</c> of one thread: a number to write, which counts down to the step that fails.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class FailNthFile(FaultRequests requests, uint thread) : OpenFile
{
    private const int TextBytesLast = 16;

    private ulong _position;

    /// <inheritdoc/>
    internal override bool IsReadable => true;

    /// <inheritdoc/>
    internal override bool IsWritable => true;

    /// <inheritdoc/>
    internal override long Read(Caller caller, ulong buffer, ulong count)
    {
        long read = ReadAt(caller, buffer, count, _position);
        _position += (ulong)Math.Max(read, 0);
        return read;
    }

    /// <summary>The pread system call.</summary>
    internal override long ReadAt(Caller caller, ulong buffer, ulong count, ulong position)
    {
        byte[] text = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{requests[thread]}\n"));
        if (position >= (ulong)text.Length || count == 0)
        {
            return 0;
        }

        ReadOnlySpan<byte> rest = text.AsSpan((int)position);
        rest = rest[..(int)Math.Min((ulong)rest.Length, count)];
        return caller.Memory.TryWrite(buffer, rest) ? rest.Length : -DoorProtocol.BadAddress;
    }

    /// <inheritdoc/>
    internal override long Write(Caller caller, ulong buffer, ulong count)
    {
        Span<byte> text = stackalloc byte[TextBytesLast];
        if (count > TextBytesLast)
        {
            return -DoorProtocol.Invalid;
        }

        text = text[..(int)count];
        if (!caller.Memory.TryRead(buffer, text))
        {
            return -DoorProtocol.BadAddress;
        }

        if (!uint.TryParse(text.TrimEnd((byte)'\n'), NumberStyles.None, CultureInfo.InvariantCulture, out uint nth))
        {
            return -DoorProtocol.Invalid;
        }

        requests[thread] = nth;
        return (long)count;
    }

    /// <inheritdoc/>
    internal override void Close()
    {
        // The number belongs to the thread and stays.
    }
}
