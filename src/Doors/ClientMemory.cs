using System.Globalization;

namespace FastIova;

/// <summary>The memory of a client: what it shares is mapped into the engine, what is its own is copied.</summary>
/// <remarks>
/// <para>Invariants. M1: frames of shared memory are the engine's own mapping of the object behind it, and outlive the client.
/// M2: a frame of private memory means the program that pinned it: once that is gone, it means nothing.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class ClientMemory : MemorySpace
{
    // A call reads the size of its struct, then the struct: the first reads ahead for the second, and saves it a system call.
    private const int AheadBytes = 128;

    [ThreadStatic]
    private static ClientMemory? _served;

    [ThreadStatic]
    private static byte[]? _ahead;

    [ThreadStatic]
    private static ulong _aheadAddress;

    [ThreadStatic]
    private static int _aheadLength;

    // Above all user addresses: nothing can be there, and so nothing that makes whoever reads it wait.
    private const ulong Nowhere = 1UL << 62;

    private readonly ProcessHandle _process;
    private readonly uint? _user;
    private readonly int _id;
    private readonly BackingObjects _objects;
    private readonly Reaching _withDevices;
    private readonly Lock _lock = new();
    private ProcessMaps? _maps;
    private Descriptor? _bytes;
    private ulong _remotePins;
    private volatile bool _isGone;

    /// <param name="process">The process.</param>
    /// <param name="objects">Memory that clients share.</param>
    /// <param name="pins">What may be pinned of it.</param>
    /// <param name="user">Whose process it must be; null where the engine could not reach into more than its clients can.</param>
    internal ClientMemory(ProcessHandle process, BackingObjects objects, Quota pins, uint? user)
        : base(isRemote: true)
    {
        _user = user;
        Tally = new MemoryTally { Pins = pins };
        _process = process;
        _id = process.Id;
        _objects = objects;
        _withDevices = new Reaching(this);
    }

    /// <summary>Says whose calls this thread serves: while it does so, that process cannot become another.</summary>
    internal static void ServeFrom(ClientMemory memory) => _served = memory;

    /// <summary>Another call begins on this thread: what the last one read ahead is old.</summary>
    internal static void BeginCall() => _aheadLength = 0;

    /// <summary>Takes hold of the program that runs now, during its first call: another one in the same process is not it.</summary>
    internal void TakeHold()
    {
        lock (_lock)
        {
            if (_isGone || _bytes is not null)
            {
                return;
            }

            ProcessMaps? maps = ProcessMaps.TryOpen(_id);
            Descriptor? bytes = Descriptor.TryOpen(string.Create(CultureInfo.InvariantCulture, $"/proc/{_id}/mem"), write: _user is not null);

            // The files of a program with more rights than its user, which has taken the place of the one that said hello, are root's.
            if (_process.IsRunning && (_user is null || bytes?.Owner == _user))
            {
                _maps = maps;
                _bytes = bytes;
            }
            else
            {
                maps?.Dispose();
                bytes?.Dispose();
            }
        }
    }

    /// <summary>Whether the program that said hello still runs in its process.</summary>
    internal bool IsAlive()
    {
        // The file stands for the memory of the program that had it when it was opened: nothing, not even an error, comes out
        // once that is gone.
        Span<byte> one = stackalloc byte[1];
        return !_isGone && _bytes is { } bytes && bytes.ReadAt(one, Nowhere) != 0;
    }

    /// <summary>Whether what was just learnt of the process is of the program that said hello; asked only where it could be of one with more rights.</summary>
    internal bool IsOwn() => _user is null || IsAlive();

    /// <summary>The program is gone.</summary>
    internal void MarkGone()
    {
        bool isUnused;
        lock (_lock)
        {
            _isGone = true;
            isUnused = _remotePins == 0;
            _maps?.Dispose();
            _maps = null;
            _bytes?.Dispose();
            _bytes = null;
        }

        if (isUnused)
        {
            Unregister();
        }
    }

    /// <inheritdoc/>
    internal override bool IsGone => _isGone || !(_served == this || IsAlive());

    /// <inheritdoc/>
    internal override bool TryRead(ulong address, Span<byte> destination)
    {
        if (_isGone)
        {
            return false;
        }

        return _served == this
            ? TryReadAhead(address, destination) || TryReadThere(address, destination)
            : TryReadThere(address, destination) && IsAlive();
    }

    /// <inheritdoc/>
    internal override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        _aheadLength = 0;
        if (_isGone || !(_served == this || IsAlive()))
        {
            return false;
        }

        if (_user is null)
        {
            return ProcessMemory.TryWrite(_id, address, source);
        }

        // As in TryReadThere.
        return source.IsEmpty || (Allows(address, source.Length, RegionFlags.Writable) && _bytes?.WriteAt(source, address) == source.Length);
    }

    /// <inheritdoc/>
    internal override PageSource WithDevices => _withDevices;

    /// <inheritdoc/>
    internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs) =>
        Pin(address, firstPage, pages, write, reachesDevices: false, runs);

    private PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, bool reachesDevices, List<FrameRun> runs)
    {
        int before = runs.Count;
        PinStatus status = PinRegions(address, firstPage, pages, write, reachesDevices, runs);
        if (status != PinStatus.Success)
        {
            for (int i = before; i < runs.Count; i++)
            {
                Unpin(runs[i]);
            }

            runs.RemoveRange(before, runs.Count - before);
        }

        return status;
    }

    /// <inheritdoc/>
    internal override void Unpin(FrameRun run)
    {
        if (!run.First.IsRemote)
        {
            _objects.Unpin(run);
            return;
        }

        bool isUnused;
        lock (_lock)
        {
            _remotePins -= run.Pages;
            isUnused = _isGone && _remotePins == 0;
        }

        if (isUnused)
        {
            Unregister();
        }
    }

    /// <inheritdoc/>
    internal override bool TryIdentify(ulong address, out PageIdentity identity)
    {
        identity = default;
        if (Volatile.Read(ref _maps) is not { } maps || !maps.TryFind(address, out MemoryRegion region) || !region.IsReadable)
        {
            return false;
        }

        identity = IdentityIn(region, address);
        return true;
    }

    /// <inheritdoc/>
    internal override bool IsCompound(ulong address) =>
        Volatile.Read(ref _maps) is { } maps && maps.TryFind(address, out MemoryRegion region) && region.IsCompound;

    // A program with more rights can take the place of the one that said hello at any moment, also in a call, which anybody who has the slots
    // can post. Files of the old program's memory reach nothing else; but they reach all of it, so what it allows is asked first.
    private bool TryReadThere(ulong address, Span<byte> destination) => _user is null
        ? ProcessMemory.TryRead(_id, address, destination)
        : destination.IsEmpty || (Allows(address, destination.Length, RegionFlags.Readable) && _bytes?.ReadAt(destination, address) == destination.Length);

    private bool Allows(ulong address, int bytes, RegionFlags wanted)
    {
        ulong last = address + (ulong)bytes - 1;
        return last >= address && last < Nowhere && _maps is { } maps && maps.Allows(address, last, wanted);
    }

    // What was read ahead serves the next read only: nothing can have changed it that the caller could tell from a change before.
    private bool TryReadAhead(ulong address, Span<byte> destination)
    {
        byte[] ahead = _ahead ??= new byte[AheadBytes];
        int known = _aheadLength;
        _aheadLength = 0;
        if (known >= destination.Length && address == _aheadAddress)
        {
            ahead.AsSpan(0, destination.Length).CopyTo(destination);
            return true;
        }

        int room = (int)Math.Min(AheadBytes, Frame.PageBytes - (address % Frame.PageBytes));
        if (destination.Length != sizeof(uint) || room <= sizeof(uint) || !TryReadThere(address, ahead.AsSpan(0, room)))
        {
            return false;
        }

        ahead.AsSpan(0, sizeof(uint)).CopyTo(destination);
        _aheadAddress = address;
        _aheadLength = room;
        return true;
    }

    private PinStatus PinRegions(ulong address, ulong firstPage, ulong pages, bool write, bool reachesDevices, List<FrameRun> runs)
    {
        while (pages > 0)
        {
            if (Volatile.Read(ref _maps) is not { } maps)
            {
                return PinStatus.ProcessGone;
            }

            // The kernel asks the same: a write needs the right to write, anything else the right to read.
            if (!maps.TryFind(address, out MemoryRegion region) || !(write ? region.IsWritable : region.IsReadable))
            {
                return PinStatus.BadAddress;
            }

            ulong here = Math.Min(pages, ((region.Last - address) >> Frame.PageLg2) + 1);
            PinStatus? status = region.IsShared
                ? _objects.TryPin(region, _id, region.OffsetOf(address), firstPage, here, write, reachesDevices, runs)
                : null;
            status ??= PinRemote(region, address, firstPage, here, runs);
            if (status != PinStatus.Success)
            {
                return status.Value;
            }

            address += here << Frame.PageLg2;
            firstPage += here;
            pages -= here;
        }

        return PinStatus.Success;
    }

    private PinStatus PinRemote(in MemoryRegion region, ulong address, ulong firstPage, ulong pages, List<FrameRun> runs)
    {
        // Anonymous memory is there wherever it is mapped; a file may end before its mapping does.
        if (!ProcessMemory.TryTouch(_id, address, region.Inode == 0 ? 1 : pages))
        {
            return PinStatus.BadAddress;
        }

        lock (_lock)
        {
            if (_isGone)
            {
                return PinStatus.ProcessGone;
            }

            _remotePins += pages;
        }

        runs.Add(new FrameRun(firstPage, pages, Frame.OfRemote(Index, address)));
        return PinStatus.Success;
    }

    /// <summary>The same memory for a container of VFIO's own, where one device may reach another by what the process has mapped of it.</summary>
    private sealed class Reaching : PageSource
    {
        private readonly ClientMemory _memory;

        internal Reaching(ClientMemory memory)
            : base(PagesKind.Memory) => _memory = memory;

        internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs) =>
            _memory.Pin(address, firstPage, pages, write, reachesDevices: true, runs);

        internal override void Unpin(FrameRun run) => _memory.Unpin(run);
    }
}
