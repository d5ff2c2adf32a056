using System.Globalization;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One process, whatever its id will be given to later (pidfd), and what the engine asks about it.</summary>
/// <remarks>
/// Owns: one file descriptor, which is readable once the process has ended.
/// Threads: any.
/// </remarks>
internal sealed unsafe class ProcessHandle : IDisposable
{
    private const uint CapabilityVersion = 0x20080522;

    private readonly Descriptor _pidfd;

    private ProcessHandle(int id, Descriptor pidfd)
    {
        Id = id;
        _pidfd = pidfd;
    }

    /// <summary>Its id.</summary>
    internal int Id { get; }

    /// <summary>The descriptor that becomes readable when it ends.</summary>
    internal int Number => _pidfd.Number;

    /// <summary>Whether it has not ended.</summary>
    internal bool IsRunning
    {
        get
        {
            var entry = new Libc.PollEntry { Descriptor = Number, Events = Libc.PollReadable };

            // SAFETY: one entry, read and written during the call.
            return Libc.Poll(&entry, 1, 0) == 0;
        }
    }

    /// <summary>RLIMIT_MEMLOCK now, in bytes; <see cref="ulong.MaxValue"/> without a limit, zero when the process is gone.</summary>
    internal ulong LockedMemoryLimit
    {
        get
        {
            ulong* limit = stackalloc ulong[2];
            limit[0] = 0;

            // SAFETY: the kernel writes the two words of the old limit.
            return Libc.ProcessLimit(Id, Libc.ResourceLockedMemory, null, limit) == 0 ? limit[0] : LockedMemoryLimitText();
        }
    }

    /// <summary>The capabilities in its effective set now, one bit each.</summary>
    internal ulong EffectiveCapabilities
    {
        get
        {
            // struct __user_cap_header_struct, then two of struct __user_cap_data_struct: effective, permitted, inheritable.
            uint* header = stackalloc uint[2];
            uint* data = stackalloc uint[6];
            header[0] = CapabilityVersion;
            header[1] = (uint)Id;
            data[0] = 0;
            data[3] = 0;

            // SAFETY: the kernel reads the header and writes two data structs for this version.
            _ = Libc.SystemCall(Libc.SystemCallCapGet, (long)header, (long)data, 0, 0, 0, 0);
            return ((ulong)data[3] << 32) | data[0];
        }
    }

    /// <summary>
    /// The capabilities that nobody below this process can have, one bit each: a container withholds them even from root.
    /// </summary>
    internal static ulong WithheldCapabilities { get; } = AskWithheld();

    /// <summary>Takes hold of a process.</summary>
    /// <returns>Null when there is none of this id.</returns>
    internal static ProcessHandle? TryOpen(int id)
    {
        long fd = Libc.SystemCall(Libc.SystemCallPidfdOpen, id, 0, 0, 0, 0, 0);
        return fd < 0 ? null : new ProcessHandle(id, new Descriptor((int)fd));
    }

    /// <summary>Takes over a hold of a process that the kernel gave.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="pidfd">The descriptor.</param>
    internal static ProcessHandle Adopt(int id, Descriptor pidfd) => new(id, pidfd);

    /// <summary>Takes a descriptor for what a descriptor of the process stands for.</summary>
    /// <param name="fd">The process's descriptor.</param>
    /// <param name="copy">The engine's own; null on a failure.</param>
    /// <returns>Zero, or the errno: EBADF without such a descriptor, ESRCH when the process is gone, EPERM when it may not be traced.</returns>
    internal int TakeDescriptor(int fd, out Descriptor? copy)
    {
        long number = Libc.SystemCall(Libc.SystemCallPidfdGetFd, Number, fd, 0, 0, 0, 0);
        copy = number < 0 ? null : new Descriptor((int)number);
        return number < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _pidfd.Dispose();

    // Another user's limits are told by a file to everybody, but by the system call only to who may also set them.
    private ulong LockedMemoryLimitText()
    {
        const string Label = "Max locked memory";
        try
        {
            string? line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{Id}/limits")).FirstOrDefault(line => line.StartsWith(Label, StringComparison.Ordinal));
            string[] words = line?[Label.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
            return words.Length == 0 ? 0 : ulong.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes) ? bytes : ulong.MaxValue;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static ulong AskWithheld()
    {
        const int ReadBoundingSet = 23;
        ulong withheld = 0;
        for (int capability = 0; capability < 64; capability++)
        {
            // 1 it is in the bounding set, 0 it is not, -1 there is no such capability.
            withheld |= Libc.ProcessControl(ReadBoundingSet, capability, 0, 0, 0) == 0 ? 1UL << capability : 0;
        }

        return withheld;
    }
}
