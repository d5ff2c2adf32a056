using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The data of one migration: read from the device that is left, or written for the one that goes on.</summary>
/// <remarks>
/// <para>The data is a head of 16 bytes, which can be read before the device is stopped, the length of the state, and the state:
/// <code>
/// 0 "fastiova"   8 vendor   10 device   12 version   16 length   20 state
/// </code></para>
/// <para>Invariant: what was written begins as the head of this kind of device does. Threads: any. Teardown: nothing is left.</para>
/// </remarks>
internal sealed class VfioMigrationFile : OpenFile
{
    /// <summary>What comes before a state.</summary>
    internal const int FrameBytes = HeadBytes + sizeof(uint);

    private const int HeadBytes = 16;
    private const uint Version = 1;

    private readonly Lock _lock = new();
    private readonly VfioMigration _migration;
    private readonly byte[] _data;
    private readonly bool _saves;
    private int _length;
    private int _read;
    private bool _isComplete;
    private bool _isEnded;

    /// <param name="migration">Of which device.</param>
    /// <param name="layout">What device it is.</param>
    /// <param name="stateBytesLast">The longest state.</param>
    /// <param name="saves">Whether it is read; else it is written.</param>
    internal VfioMigrationFile(VfioMigration migration, PciFunctionLayout layout, int stateBytesLast, bool saves)
    {
        _migration = migration;
        _saves = saves;
        _data = new byte[FrameBytes + stateBytesLast];
        "fastiova"u8.CopyTo(_data);
        BinaryPrimitives.WriteUInt16LittleEndian(_data.AsSpan(8), layout.VendorId);
        BinaryPrimitives.WriteUInt16LittleEndian(_data.AsSpan(10), layout.DeviceId);
        BinaryPrimitives.WriteUInt32LittleEndian(_data.AsSpan(12), Version);
        _length = saves ? HeadBytes : 0;
    }

    internal override bool IsReadable
    {
        get
        {
            lock (_lock)
            {
                return _isEnded || (_saves && (_isComplete || _read < _length));
            }
        }
    }

    internal override bool IsWritable => !_saves;

    internal override long Read(Caller caller, ulong buffer, ulong count)
    {
        lock (_lock)
        {
            if (!_saves || _isEnded)
            {
                return Refused(_saves ? Errno.NoDevice : Errno.BadDescriptor);
            }

            int bytes = (int)Math.Min(count, (ulong)(_length - _read));
            if (bytes == 0)
            {
                // More comes when the device is stopped.
                return _isComplete || count == 0 ? 0 : Refused(Errno.NoMessage);
            }

            if (!caller.Memory.TryWrite(buffer, _data.AsSpan(_read, bytes)))
            {
                return Refused(Errno.BadAddress);
            }

            _read += bytes;
            return bytes;
        }
    }

    internal override long Write(Caller caller, ulong buffer, ulong count)
    {
        lock (_lock)
        {
            if (_saves || _isEnded)
            {
                return Refused(_saves ? Errno.BadDescriptor : Errno.NoDevice);
            }

            if (count > (ulong)(_data.Length - _length))
            {
                return Refused(Errno.OutOfMemory);
            }

            byte[] written = new byte[(int)count];
            if (!caller.Memory.TryRead(buffer, written))
            {
                return Refused(Errno.BadAddress);
            }

            // Whoever migrates learns early that this is another device.
            int head = Math.Clamp(HeadBytes - _length, 0, written.Length);
            if (!written.AsSpan(0, head).SequenceEqual(_data.AsSpan(_length, head)))
            {
                return Refused(Errno.Invalid);
            }

            written.CopyTo(_data, _length);
            _length += written.Length;
            return written.Length;
        }
    }

    // A stream: no position can be named.
    internal override long ReadAt(Caller caller, ulong buffer, ulong count, ulong position) => Refused(Errno.IllegalSeek);

    internal override long WriteAt(Caller caller, ulong buffer, ulong count, ulong position) => Refused(Errno.IllegalSeek);

    internal override long Ioctl(Caller caller, uint request, ulong argument)
    {
        if (!_saves || request != (uint)VfioDeviceRequest.GetPrecopyInfo)
        {
            return Refused(Errno.NotATypewriter);
        }

        var call = new CallArgument(caller.Memory, argument);
        int bytes = Marshal.SizeOf<VfioPrecopyInfo>();
        Errno errno = VfioArgument.Read(call, bytes, out VfioPrecopyInfo info);
        if (errno != Errno.Success)
        {
            return Refused(errno);
        }

        if (!_migration.IsPreCopying)
        {
            return Refused(Errno.Invalid);
        }

        lock (_lock)
        {
            if (_isEnded)
            {
                return Refused(Errno.NoDevice);
            }

            // The flags are an answer for those alone who asked for them to be one.
            info.Flags = _migration.HasPrecopyFlags ? 0 : info.Flags;
            info.InitialBytes = (ulong)(_length - _read);
            info.DirtyBytes = 0;
        }

        return Refused(VfioArgument.Write(call, info, bytes));
    }

    internal override void Close()
    {
    }

    /// <summary>The device is stopped: the rest of what is to be read.</summary>
    internal void Complete(ReadOnlySpan<byte> state)
    {
        lock (_lock)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_data.AsSpan(HeadBytes), state.Length);
            state.CopyTo(_data.AsSpan(FrameBytes));
            _length = FrameBytes + state.Length;
            _isComplete = true;
        }

        RaiseReadinessChanged();
    }

    /// <summary>The device has left the state that the data is of: nothing can be done with it any more.</summary>
    internal void End()
    {
        lock (_lock)
        {
            _isEnded = true;
        }

        RaiseReadinessChanged();
    }

    /// <summary>The state that was written.</summary>
    /// <returns>False when it is not all there.</returns>
    internal bool TryTake(out byte[] state)
    {
        lock (_lock)
        {
            int bytes = _length < FrameBytes ? -1 : BinaryPrimitives.ReadInt32LittleEndian(_data.AsSpan(HeadBytes));
            bool isWhole = bytes >= 0 && bytes == _length - FrameBytes;
            state = isWhole ? _data.AsSpan(FrameBytes, bytes).ToArray() : [];
            return isWhole;
        }
    }
}
