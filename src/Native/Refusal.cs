using System.Text;

namespace FastIova;

/// <summary>What a call of the C interface answers when it does nothing: a negative errno, and a text for the thread that called.</summary>
/// <remarks>
/// The one place where exceptions end: none may reach C, whose frames they cannot cross.
/// Threads: any; each has a text of its own.
/// </remarks>
internal static class Refusal
{
    /// <summary>EAGAIN, which no ioctl answers.</summary>
    internal const int TryAgain = -11;

    [ThreadStatic]
    private static string? _text;

    /// <summary>What the last refusal of this thread was about; empty before the first.</summary>
    internal static string Text => _text ?? string.Empty;

    /// <summary>Refuses.</summary>
    /// <returns>The negative errno.</returns>
    internal static int Because(Errno errno, string text)
    {
        _text = text;
        return -(int)errno;
    }

    /// <summary>The handle is closed, of another kind, or was inherited by fork.</summary>
    internal static int NoHandle(string kind) => Because(
        Errno.BadDescriptor,
        $"The {kind} is closed, or is none: use what the open call of this process gave, and not after its close call. Handles are not inherited by fork.");

    /// <summary>A pointer that must not be null is.</summary>
    internal static int NoPointer(string name) => Because(Errno.Invalid, $"{name} is null: point it to memory of the size that the header says.");

    /// <summary>The answer of a map or unmap.</summary>
    internal static int Of(MapStatus status) => status switch
    {
        MapStatus.Success => 0,
        MapStatus.ZeroLength => Because(Errno.Invalid, "The length is zero: give a multiple of the granule."),
        MapStatus.Misaligned => Because(Errno.Invalid, "The iova, the host address or the length is no multiple of the granule of the domain."),
        MapStatus.Wraps => Because(Errno.Overflow, "The range goes beyond 2^64."),
        MapStatus.OutsideAperture => Because(Errno.Range, "The range leaves the aperture of the domain: make the domain with a larger one, or use lower addresses."),
        MapStatus.Overlap => Because(Errno.AlreadyExists, "Something is mapped in the range: unmap it first."),
        MapStatus.BadPermission => Because(Errno.Invalid, "The access is none: use FI_READ, FI_WRITE or both."),
        MapStatus.HostNotMapped => Because(Errno.BadAddress, "The host range is not mapped throughout in this process: allocate it first."),
        MapStatus.OutOfMemory => Because(Errno.OutOfMemory, "There is no memory for the page table."),
        _ => Because(Errno.Invalid, $"{status}"),
    };

    /// <summary>What an exception is to C.</summary>
    internal static int Of(Exception thrown)
    {
        Errno errno = thrown switch
        {
            IommufdException refused => refused.Errno,
            ObjectDisposedException or NullReferenceException => Errno.BadDescriptor,
            ArgumentException or InvalidDataException => Errno.Invalid,
            OutOfMemoryException => Errno.OutOfMemory,
            InvalidOperationException => Errno.Busy,
            PlatformNotSupportedException or NotSupportedException => Errno.NotSupported,
            FileNotFoundException or DirectoryNotFoundException => Errno.NotFound,
            UnauthorizedAccessException => Errno.AccessDenied,
            _ => Errno.InputOutput,
        };
        return Because(errno, thrown.Message);
    }

    /// <summary>Copies the text with a zero behind it, cut to what fits.</summary>
    /// <returns>The bytes of the whole text.</returns>
    internal static int CopyText(Span<byte> buffer)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Text);
        if (!buffer.IsEmpty)
        {
            int fit = Math.Min(bytes.Length, buffer.Length - 1);
            bytes.AsSpan(0, fit).CopyTo(buffer);
            buffer[fit] = 0;
        }

        return bytes.Length;
    }
}
