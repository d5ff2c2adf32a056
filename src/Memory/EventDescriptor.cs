using System.Globalization;

namespace FastIova;

/// <summary>A counter of the operating system that processes signal each other with (eventfd).</summary>
/// <remarks>
/// <para>Owns: a descriptor. Others may hold the same counter, and do with it what they like.</para>
/// <para>Threads: any. Teardown: once <see cref="Dispose"/> returns nothing is signalled any more; it never fails.</para>
/// </remarks>
internal sealed unsafe class EventDescriptor : IDisposable
{
    private const string Kind = "anon_inode:[eventfd]";

    private readonly Lock _lock = new();
    private readonly Descriptor _descriptor;

    private EventDescriptor(Descriptor descriptor) => _descriptor = descriptor;

    /// <summary>The descriptor; -1 once it is closed.</summary>
    internal int Number => _descriptor.Number;

    /// <summary>The number of the counter, which every descriptor for it has; null where the system does not tell (before Linux 5.2).</summary>
    internal ulong? Identity
    {
        get
        {
            const string Field = "eventfd-id:";
            string path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{Number}");
            string? line = File.Exists(path) ? File.ReadLines(path).FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal)) : null;
            return ulong.TryParse(line.AsSpan(line is null ? 0 : Field.Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong identity) ? identity : null;
        }
    }

    /// <summary>Makes a counter of zero.</summary>
    /// <returns>Null when the limit on open files is reached.</returns>
    internal static EventDescriptor? TryCreate()
    {
        int fd = Libc.EventCreate(0, Libc.EventCloseOnExec);
        return fd < 0 ? null : new EventDescriptor(new Descriptor(fd));
    }

    /// <summary>Takes a descriptor over that may be one of a counter.</summary>
    /// <param name="descriptor">The descriptor; closed when it is something else.</param>
    /// <returns>Null when it is something else.</returns>
    internal static EventDescriptor? TryAdopt(Descriptor descriptor)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor.Number}");
        if (new FileInfo(path).LinkTarget is Kind)
        {
            return new EventDescriptor(descriptor);
        }

        descriptor.Dispose();
        return null;
    }

    /// <summary>Adds one. A counter that is full stays so: whoever waits for it has been told.</summary>
    internal void Signal()
    {
        ulong one = 1;
        lock (_lock)
        {
            if (IsReady(Libc.PollWritable))
            {
                // SAFETY: the kernel reads eight bytes of this frame.
                _ = Libc.Write(Number, &one, sizeof(ulong));
            }
        }
    }

    /// <summary>Sets the counter back to zero.</summary>
    /// <returns>False when it was zero.</returns>
    internal bool TryTake()
    {
        ulong count;
        lock (_lock)
        {
            // SAFETY: the kernel writes eight bytes of this frame.
            return IsReady(Libc.PollReadable) && Libc.Read(Number, &count, sizeof(ulong)) == sizeof(ulong);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _descriptor.Dispose();
        }
    }

    // A counter without O_NONBLOCK, which is its other holders' to set, would make a call wait.
    private bool IsReady(short events)
    {
        var entry = new Libc.PollEntry { Descriptor = Number, Events = events };

        // SAFETY: the kernel reads and writes one entry of this frame.
        return entry.Descriptor >= 0 && Libc.Poll(&entry, 1, 0) == 1 && (entry.Found & events) != 0;
    }
}
