namespace FastIova;

/// <content>The configuration space, and what a write to it brings about.</content>
public sealed partial class PciFunction
{
    /// <summary>Reads the configuration space. Beyond its end there are ones.</summary>
    /// <param name="offset">Any place.</param>
    /// <param name="data">Receives the bytes.</param>
    public void ReadConfig(int offset, Span<byte> data)
    {
        data.Fill(0xFF);
        int length = Within(offset, data.Length);
        if (length == 0)
        {
            return;
        }

        lock (_gate)
        {
            int status = _config.Word(PciRegister.Status) & ~PciRegister.StatusIntx;
            _config.SetWord(PciRegister.Status, status | (_interrupts.IsWanted ? PciRegister.StatusIntx : 0));
            if (_config.Msi != 0)
            {
                uint pending = _interrupts.MsiPending;
                _config.SetWord(_config.Msi + 20, (int)(pending & 0xFFFF));
                _config.SetWord(_config.Msi + 22, (int)(pending >> 16));
            }

            _config.Read(offset, data[..length]);
        }
    }

    /// <summary>Writes the configuration space. Bits that are not a driver's stay as they are.</summary>
    /// <param name="offset">Any place.</param>
    /// <param name="data">The bytes.</param>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        int length = Within(offset, data.Length);
        if (length == 0)
        {
            return;
        }

        lock (_gate)
        {
            _config.Write(offset, data[..length]);
            if (TakeResetOrder())
            {
                Reset();
            }
            else
            {
                ApplyConfig();
            }
        }
    }

    /// <summary>Enables or disables MSI with all its vectors unmasked, as an operating system does for its driver.</summary>
    /// <param name="vectors">How many, a power of two up to those of the layout; zero disables it.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not as many.</exception>
    public void EnableMsi(int vectors)
    {
        if (vectors != 0 && (vectors < 0 || vectors > Layout.MsiVectors || !int.IsPow2(vectors)))
        {
            throw new ArgumentOutOfRangeException(nameof(vectors), vectors, $"Enable a power of two of the {Layout.MsiVectors} MSI vectors, or zero for none.");
        }

        if (_config.Msi == 0)
        {
            return;
        }

        lock (_gate)
        {
            int control = _config.Word(_config.Msi + 2) & ~(0x70 | PciRegister.MsiEnable);
            int enabled = vectors == 0 ? 0 : PciRegister.MsiEnable | (int.Log2(vectors) << 4);
            _config.SetWord(_config.Msi + 2, control | enabled);
            _config.Write(_config.Msi + 16, [0, 0, 0, 0]);
            ApplyConfig();
        }
    }

    /// <summary>Enables or disables MSI-X with all its vectors unmasked, as an operating system does for its driver.</summary>
    /// <param name="on">Whether to enable it.</param>
    public void EnableMsix(bool on)
    {
        if (_config.Msix == 0)
        {
            return;
        }

        lock (_gate)
        {
            int control = _config.Word(_config.Msix + 2) & ~(PciRegister.MsixEnable | PciRegister.MsixFunctionMask);
            if (on)
            {
                _interrupts.UnmaskTable();
            }

            _config.SetWord(_config.Msix + 2, control | (on ? PciRegister.MsixEnable : 0));
            ApplyConfig();
        }
    }

    /// <summary>The address and the word that a message writes, as the driver has programmed them.</summary>
    /// <param name="vector">A vector of the kind that is enabled.</param>
    /// <returns>Both; zero when neither kind is enabled.</returns>
    public (ulong Address, uint Word) MessageOf(int vector)
    {
        lock (_gate)
        {
            if (_config.Msix != 0 && (_config.Word(_config.Msix + 2) & PciRegister.MsixEnable) != 0 && (uint)vector < (uint)Layout.Msix!.Vectors)
            {
                return _interrupts.MessageOf(vector);
            }

            int allowed = MsiAllowed;
            if (allowed == 0)
            {
                return default;
            }

            ulong address = _config.Double(_config.Msi + 4) | ((ulong)_config.Double(_config.Msi + 8) << 32);
            return (address, (uint)((_config.Word(_config.Msi + 12) & ~(allowed - 1)) | (vector & (allowed - 1))));
        }
    }

    private int MsiAllowed
    {
        get
        {
            int control = _config.Msi == 0 ? 0 : _config.Word(_config.Msi + 2);
            int asked = 1 << ((control >> 4) & 7);
            return (control & PciRegister.MsiEnable) == 0 ? 0 : Math.Min(asked, Layout.MsiVectors);
        }
    }

    private int Within(int offset, int length) =>
        offset < 0 || offset >= _config.Bytes ? 0 : Math.Min(length, _config.Bytes - offset);

    private void ApplyConfig()
    {
        int command = Command;
        bool powered = IsPowered;
        _isBusMaster = !_disposed && powered && (command & PciRegister.CommandBusMaster) != 0;
        _interrupts.Configure(
            Layout.HasIntx && powered && (command & PciRegister.CommandIntxDisable) == 0,
            powered ? MsiAllowed : 0,
            _config.Msi == 0 ? 0 : _config.Double(_config.Msi + 16),
            _config.Msix != 0 && powered ? _config.Word(_config.Msix + 2) : 0);
    }

    private bool TakeResetOrder()
    {
        if (_config.Express != 0 && (_config.Word(_config.Express + 8) & PciRegister.ExpressReset) != 0)
        {
            return true;
        }

        return _config.AdvancedFeatures != 0 && (_config.Word(_config.AdvancedFeatures + 4) & 1) != 0;
    }
}
