using System.Buffers.Binary;

namespace FastIova;

/// <summary>What becomes of the interrupts of a function: pin, MSI or MSI-X, masked or pending.</summary>
/// <remarks>
/// <para>Owns: the MSI-X table and its pending bits, those of MSI, the level of the pin.</para>
/// <para>Invariants. I1: at most one kind leads out at a time: MSI-X before MSI before the pin. I2: a message that was raised while its vector
/// was masked goes out once when the mask goes. I3: what leads out is said under the lock, in the order in which it happened; listeners are
/// short and do not call the function.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class PciInterrupts
{
    private const int ControlOffset = 12;
    private readonly Lock _lock = new();
    private readonly byte[] _table;
    private readonly ulong[] _pending;
    private readonly int _msixVectors;
    private Action<int>? _onMsi;
    private Action<bool>? _onIntx;
    private uint _msiPending;
    private uint _msiMask;
    private int _msiAllowed;
    private bool _msixOn;
    private bool _msixMasked;
    private bool _pinAllowed;
    private bool _wanted;
    private bool _out;

    internal PciInterrupts(PciFunctionLayout layout)
    {
        _msixVectors = layout.Msix?.Vectors ?? 0;
        _table = new byte[_msixVectors * PciMsix.EntryBytes];
        _pending = new ulong[(_msixVectors + 63) / 64];
        Clear();
    }

    internal Action<int>? OnMsi
    {
        get => _onMsi;
        set
        {
            lock (_lock)
            {
                _onMsi = value;
            }
        }
    }

    internal Action<bool>? OnIntx
    {
        get => _onIntx;
        set
        {
            lock (_lock)
            {
                _onIntx = value;
            }
        }
    }

    /// <summary>The level that the device wants, and the one that leads out.</summary>
    internal bool IsWanted => Volatile.Read(ref _wanted);

    internal bool IsAsserted => Volatile.Read(ref _out);

    /// <summary>Whether the driver has enabled MSI or MSI-X.</summary>
    internal bool UsesMessages => Volatile.Read(ref _msixOn) || Volatile.Read(ref _msiAllowed) != 0;

    internal uint MsiPending => Volatile.Read(ref _msiPending);

    /// <summary>Sends a message, or keeps it.</summary>
    internal void Raise(int vector)
    {
        lock (_lock)
        {
            if (_msixOn)
            {
                RaiseMsix(vector);
            }
            else if (_msiAllowed != 0)
            {
                // A function that got fewer vectors than it asked for uses those it got.
                int folded = vector & (_msiAllowed - 1);
                if ((_msiMask & (1u << folded)) != 0)
                {
                    _msiPending |= 1u << folded;
                }
                else
                {
                    _onMsi?.Invoke(folded);
                }
            }
        }
    }

    internal void SetPin(bool asserted)
    {
        lock (_lock)
        {
            _wanted = asserted;
            SettlePin();
        }
    }

    /// <summary>Takes over what a driver has said in the configuration space.</summary>
    /// <param name="pinAllowed">Whether there is a pin and it is not disabled.</param>
    /// <param name="msiAllowed">The vectors of MSI; zero while it is disabled.</param>
    /// <param name="msiMask">Its masked vectors.</param>
    /// <param name="msixControl">The control word of MSI-X; zero without.</param>
    internal void Configure(bool pinAllowed, int msiAllowed, uint msiMask, int msixControl)
    {
        lock (_lock)
        {
            _pinAllowed = pinAllowed;
            _msiAllowed = msiAllowed;
            _msiMask = msiMask;
            _msixOn = (msixControl & PciRegister.MsixEnable) != 0;
            _msixMasked = (msixControl & PciRegister.MsixFunctionMask) != 0;
            SettlePin();
            SettleMessages();
        }
    }

    internal void ReadTable(int offset, Span<byte> data)
    {
        lock (_lock)
        {
            _table.AsSpan(offset, data.Length).CopyTo(data);
        }
    }

    internal void WriteTable(int offset, ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            data.CopyTo(_table.AsSpan(offset));
            SettleMessages();
        }
    }

    internal void ReadPending(int offset, Span<byte> data)
    {
        lock (_lock)
        {
            for (int i = 0; i < data.Length; i++)
            {
                data[i] = (byte)(_pending[(offset + i) / 8] >> ((offset + i) % 8 * 8));
            }
        }
    }

    /// <summary>Unmasks every vector of MSI-X, as an operating system does for its driver.</summary>
    internal void UnmaskTable()
    {
        lock (_lock)
        {
            for (int vector = 0; vector < _msixVectors; vector++)
            {
                _table[(vector * PciMsix.EntryBytes) + ControlOffset] &= 0xFE;
            }

            SettleMessages();
        }
    }

    /// <summary>The address and the word that a message of MSI-X writes.</summary>
    internal (ulong Address, uint Word) MessageOf(int vector)
    {
        lock (_lock)
        {
            ReadOnlySpan<byte> entry = _table.AsSpan(vector * PciMsix.EntryBytes, PciMsix.EntryBytes);
            return (BinaryPrimitives.ReadUInt64LittleEndian(entry), BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]));
        }
    }

    /// <summary>As after a reset: every vector masked, nothing pending.</summary>
    internal void Clear()
    {
        lock (_lock)
        {
            Array.Clear(_table);
            for (int vector = 0; vector < _msixVectors; vector++)
            {
                _table[(vector * PciMsix.EntryBytes) + ControlOffset] = 1;
            }

            Array.Clear(_pending);
            _msiPending = 0;
            _wanted = false;
            SettlePin();
        }
    }

    private bool IsMasked(int vector) => _msixMasked || (_table[(vector * PciMsix.EntryBytes) + ControlOffset] & 1) != 0;

    private void RaiseMsix(int vector)
    {
        if ((uint)vector >= (uint)_msixVectors)
        {
            return;
        }

        if (IsMasked(vector))
        {
            _pending[vector / 64] |= 1UL << (vector % 64);
        }
        else
        {
            _onMsi?.Invoke(vector);
        }
    }

    private void SettlePin()
    {
        bool level = _wanted && _pinAllowed && !_msixOn && _msiAllowed == 0;
        if (level != _out)
        {
            _out = level;
            _onIntx?.Invoke(level);
        }
    }

    private void SettleMessages()
    {
        for (int vector = 0; _msixOn && vector < _msixVectors; vector++)
        {
            ulong bit = 1UL << (vector % 64);
            if ((_pending[vector / 64] & bit) != 0 && !IsMasked(vector))
            {
                _pending[vector / 64] &= ~bit;
                _onMsi?.Invoke(vector);
            }
        }

        for (uint due = _msixOn || _msiAllowed == 0 ? 0 : _msiPending & ~_msiMask; due != 0; due &= due - 1)
        {
            int vector = System.Numerics.BitOperations.TrailingZeroCount(due);
            _msiPending &= ~(1u << vector);
            _onMsi?.Invoke(vector);
        }
    }
}
