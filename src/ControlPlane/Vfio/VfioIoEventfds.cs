using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Writes to BARs that eventfds make (VFIO_DEVICE_IOEVENTFD).</summary>
/// <remarks>
/// <para>Owns: the eventfds, and one thread that waits for all of them; it starts with the first and ends with the last.</para>
/// <para>Invariants. W1: one eventfd for each place, width and value. W2: once <see cref="RemoveAll"/> returns nothing is written any more.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class VfioIoEventfds(VfioDevice device)
{
    private const int Most = 1000;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, (Place Place, EventDescriptor Event)> _events = [];
    private Watcher? _watcher;
    private ulong _lastKey;

    /// <summary>How many there are.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _events.Count;
            }
        }
    }

    /// <summary>Adds or removes one.</summary>
    internal Errno Run(Caller caller, in CallArgument argument)
    {
        int bytes = (int)Marshal.OffsetOf<VfioIoEventfd>(nameof(VfioIoEventfd.Reserved));
        Errno errno = VfioArgument.Read(argument, bytes, out VfioIoEventfd order);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if ((order.Flags & ~VfioDeviceConstants.IoEventfdWidths) != 0 || !BitOperations.IsPow2(order.Flags) || order.Fd < -1)
        {
            return Errno.Invalid;
        }

        var place = new Place(VfioRegions.IndexOf(order.Offset), VfioRegions.Within(order.Offset), (int)order.Flags, order.Data);
        if (!IsAllowed(place))
        {
            return Errno.Invalid;
        }

        lock (_lock)
        {
            foreach ((ulong key, (Place Place, EventDescriptor Event) present) in _events)
            {
                if (present.Place == place)
                {
                    return order.Fd == -1 ? Remove(key, present.Event) : Errno.AlreadyExists;
                }
            }

            return order.Fd < 0 ? Errno.NoDevice
                : _events.Count >= Most ? Errno.NoSpace
                : FaultPoint.Fails() ? Errno.OutOfMemory
                : Add(caller, order.Fd, place);
        }
    }

    /// <summary>Removes all. Never fails.</summary>
    internal void RemoveAll()
    {
        Watcher? ended;
        lock (_lock)
        {
            foreach ((ulong key, (Place Place, EventDescriptor Event) present) in _events.ToArray())
            {
                Remove(key, present.Event);
            }

            ended = _watcher;
            _watcher = null;
        }

        ended?.Dispose();
    }

    // Only registers, and never the table of MSI-X, which is not a driver's.
    private bool IsAllowed(in Place place)
    {
        if (VfioRegions.BarOf(device, place.Region) is not { } bar || place.Offset + (ulong)place.Width > bar.Bytes)
        {
            return false;
        }

        return device.Function.Layout.Msix is not { } msix || msix.TableBar != bar.Index
            || place.Offset + (ulong)place.Width <= msix.TableOffset || place.Offset >= msix.TableOffset + msix.TableBytes;
    }

    private Errno Add(Caller caller, int fd, in Place place)
    {
        Errno errno = VfioInterrupts.Take(caller, fd, out EventDescriptor? taken);
        if (errno != Errno.Success)
        {
            return errno;
        }

        _watcher ??= Watcher.TryStart(Signalled);
        ulong key = ++_lastKey;
        if (_watcher is null || !_watcher.TryAdd(taken!, key))
        {
            taken!.Dispose();
            return Errno.OutOfMemory;
        }

        _events.Add(key, (place, taken!));
        return Errno.Success;
    }

    private Errno Remove(ulong key, EventDescriptor removed)
    {
        _watcher!.Remove(removed);
        _events.Remove(key);
        removed.Dispose();
        return Errno.Success;
    }

    // The lock is held while the write goes out (W2); what the model does in it takes no lock of this file's.
    private void Signalled(ulong key)
    {
        lock (_lock)
        {
            if (_events.TryGetValue(key, out (Place Place, EventDescriptor Event) present) && present.Event.TryTake())
            {
                Span<byte> data = stackalloc byte[sizeof(ulong)];
                BinaryPrimitives.WriteUInt64LittleEndian(data, present.Place.Data);
                device.Function.WriteBar((int)present.Place.Region, present.Place.Offset, data[..present.Place.Width]);
            }
        }
    }

    /// <summary>What is written, and where.</summary>
    private readonly record struct Place(uint Region, ulong Offset, int Width, ulong Data);

    /// <summary>The thread that waits for the eventfds.</summary>
    private sealed class Watcher : IDisposable
    {
        private const ulong StopKey = 0;

        private readonly ReadinessSet _set;
        private readonly EventDescriptor _stop;
        private readonly Action<ulong> _signalled;
        private volatile bool _isStopped;

        private Watcher(ReadinessSet set, EventDescriptor stop, Action<ulong> signalled)
        {
            _set = set;
            _stop = stop;
            _signalled = signalled;
        }

        internal static Watcher? TryStart(Action<ulong> signalled)
        {
            if (FaultPoint.Fails() || EventDescriptor.TryCreate() is not { } stop)
            {
                return null;
            }

            ReadinessSet? set = null;
            try
            {
                set = new ReadinessSet();
                set.Add(stop.Number, Readiness.Readable, StopKey);
            }
            catch (IOException)
            {
                set?.Dispose();
                stop.Dispose();
                return null;
            }

            var watcher = new Watcher(set, stop, signalled);
            new Thread(watcher.Run, 256 << 10) { IsBackground = true, Name = "fastiova-ioeventfd" }.Start();
            return watcher;
        }

        internal bool TryAdd(EventDescriptor added, ulong key)
        {
            try
            {
                _set.Add(added.Number, Readiness.Readable, key);
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        }

        internal void Remove(EventDescriptor removed) => _set.Remove(removed.Number);

        public void Dispose()
        {
            _isStopped = true;
            _stop.Signal();
        }

        private void Run()
        {
            Span<ulong> keys = stackalloc ulong[16];
            while (!_isStopped)
            {
                int count = _set.Wait(keys, -1);
                foreach (ulong key in keys[..Math.Max(count, 0)])
                {
                    if (key != StopKey)
                    {
                        _signalled(key);
                    }
                }
            }

            _set.Dispose();
            _stop.Dispose();
        }
    }
}
