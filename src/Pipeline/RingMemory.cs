using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The mapped file of one ring, shared by the objects of this process that use it.</summary>
/// <remarks>
/// Owns: one <see cref="SharedMemory"/>.
/// I1: the file is sealed against shrinking before it is mapped, so that no other process can pull pages from under the engine (SIGBUS).
/// I2: the constants below are private copies, validated when the file was opened; the shared ones are never read again.
/// I3: the mapping lives while <see cref="_users"/> is above zero: no ring object can touch memory that its owner disposed of.
/// Threads: any.
/// Teardown: the last <see cref="Release"/> unmaps; it never fails.
/// </remarks>
internal sealed unsafe class RingMemory
{
    private const uint MemfdAllowSealing = 2;
    private const long AddSeals = 1033;
    private const long GetSeals = 1034;
    private const long SealSeal = 1;
    private const long SealShrink = 2;
    private const long SealGrow = 4;

    private static long FileControl => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 72 : 25;

    private readonly SharedMemory _memory;
    private int _users = 1;

    private RingMemory(SharedMemory memory, in RingHeader constants)
    {
        _memory = memory;
        Capacity = (int)constants.Capacity;
        Producers = (RingProducers)constants.Producers;
        Wait = (WaitPolicy)constants.Wait;
        // SAFETY: the mapping was checked to hold the header and Capacity slots.
        Header = (RingHeader*)memory.Start;
        Slots = (ulong*)(memory.Start + RingHeader.SlotsOffset);
        RequestBell = new Doorbell((uint*)&Header->RequestBell);
        CompletionBell = new Doorbell((uint*)&Header->CompletionBell);
    }

    internal int Capacity { get; }

    internal RingProducers Producers { get; }

    internal WaitPolicy Wait { get; }

    internal RingHeader* Header { get; }

    internal ulong* Slots { get; }

    internal Doorbell RequestBell { get; }

    internal Doorbell CompletionBell { get; }

    internal int FileDescriptor => _memory.FileDescriptor;

    internal static RingMemory Create(TranslationRingOptions options)
    {
        TranslationRingOptions.Validate(options);
        int fd = Libc.MemoryFileCreate("fastiova-ring", Libc.MemfdCloseOnExec | MemfdAllowSealing);
        if (fd < 0)
        {
            throw new IOException($"memfd_create of a ring failed with errno {Marshal.GetLastPInvokeError()}: check the limit on open files.");
        }

        try
        {
            ulong length = RingHeader.FileBytes((uint)options.Capacity);
            if (Libc.FileTruncate(fd, (long)length) != 0
                || Libc.SystemCall(FileControl, fd, AddSeals, SealShrink | SealGrow | SealSeal, 0, 0, 0) != 0)
            {
                throw new IOException($"Sizing and sealing a ring of {length} bytes failed with errno {Marshal.GetLastPInvokeError()}.");
            }

            SharedMemory memory = SharedMemory.Open(fd);
            // SAFETY: the file was made longer than a header; nobody else knows it yet.
            var header = (RingHeader*)memory.Start;
            header->Version = RingHeader.VersionValue;
            header->Capacity = (uint)options.Capacity;
            header->Producers = (uint)options.Producers;
            header->Wait = (uint)options.Wait;
            header->Magic = RingHeader.MagicValue;
            return new RingMemory(memory, *header);
        }
        finally
        {
            _ = Libc.Close(fd);
        }
    }

    internal static RingMemory Open(int fileDescriptor)
    {
        long seals = Libc.SystemCall(FileControl, fileDescriptor, GetSeals, 0, 0, 0, 0);
        if (seals < 0)
        {
            throw new IOException(
                $"File descriptor {fileDescriptor} is no memory file (errno {Marshal.GetLastPInvokeError()}): pass the descriptor of a TranslationRing.");
        }

        if ((seals & SealShrink) == 0)
        {
            throw new IOException(
                $"File descriptor {fileDescriptor} is a memory file that can shrink (seals 0x{seals:x}), a ring is sealed: pass the descriptor of a TranslationRing.");
        }

        SharedMemory memory = SharedMemory.Open(fileDescriptor);
        if (memory.Length < RingHeader.SlotsOffset)
        {
            ulong length = memory.Length;
            memory.Dispose();
            throw new InvalidDataException($"File descriptor {fileDescriptor} is no ring: it is {length} bytes long, the header alone has {RingHeader.SlotsOffset}.");
        }

        // SAFETY: the mapping holds a header. One copy is read and then used: what others write later has no effect.
        RingHeader constants = *(RingHeader*)memory.Start;
        if (RingHeader.Refusal(constants, memory.Length) is { } refusal)
        {
            memory.Dispose();
            throw new InvalidDataException($"File descriptor {fileDescriptor} is no ring: {refusal}.");
        }

        return new RingMemory(memory, constants);
    }

    /// <summary>Keeps the mapping for one more object.</summary>
    /// <exception cref="ObjectDisposedException">The last user has gone.</exception>
    internal RingMemory Retain()
    {
        ObjectDisposedException.ThrowIf(!TryRetain(), typeof(TranslationRing));
        return this;
    }

    /// <summary>Keeps the mapping for one more object.</summary>
    /// <returns>False when the last user has gone.</returns>
    internal bool TryRetain()
    {
        int users;
        do
        {
            users = Volatile.Read(ref _users);
            if (users == 0)
            {
                return false;
            }
        }
        while (Interlocked.CompareExchange(ref _users, users + 1, users) != users); // pairs with Release; otherwise a dead mapping revives

        return true;
    }

    /// <summary>Gives one use back; each object calls this once.</summary>
    internal void Release()
    {
        // Pairs with Retain and the other users' Release; otherwise two could see zero, or none.
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _memory.Dispose();
        }
    }
}
