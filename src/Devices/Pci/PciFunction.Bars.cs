namespace FastIova;

/// <content>What a driver reads from and writes to BARs.</content>
public sealed partial class PciFunction
{
    private const int WidestAccess = 8;

    /// <summary>Reads a BAR. What does not answer gives all ones.</summary>
    /// <param name="bar">Any number.</param>
    /// <param name="offset">Any place; a long read is cut into naturally aligned accesses of at most eight bytes.</param>
    /// <param name="data">Receives the bytes.</param>
    public void ReadBar(int bar, ulong offset, Span<byte> data)
    {
        lock (_gate)
        {
            int answered = Answering(bar, offset, data.Length);
            data[answered..].Fill(0xFF);
            for (int done = 0; done < answered;)
            {
                int length = Access(offset + (ulong)done, answered - done);
                ReadPart(bar, offset + (ulong)done, data.Slice(done, length));
                done += length;
            }
        }
    }

    /// <summary>Writes a BAR. What does not answer is lost.</summary>
    /// <param name="bar">Any number.</param>
    /// <param name="offset">Any place; a long write is cut into naturally aligned accesses of at most eight bytes.</param>
    /// <param name="data">The bytes.</param>
    public void WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            int answered = Answering(bar, offset, data.Length);
            for (int done = 0; done < answered;)
            {
                int length = Access(offset + (ulong)done, answered - done);
                WritePart(bar, offset + (ulong)done, data.Slice(done, length));
                done += length;
            }
        }
    }

    /// <summary>Tells the model that a driver has mapped a mappable BAR, or unmapped it: it looks at the memory while at least one mapping is there.</summary>
    /// <param name="bar">A mappable BAR; any other is ignored.</param>
    /// <param name="isMapped">Whether a mapping came or went.</param>
    public void BarMapped(int bar, bool isMapped)
    {
        lock (_gate)
        {
            if (_disposed || (uint)bar >= PciBar.Count || _barMemory[bar] is null || (!isMapped && _mappings[bar] == 0))
            {
                return;
            }

            int before = _mappings[bar];
            _mappings[bar] += isMapped ? 1 : -1;
            if (before == 0 || _mappings[bar] == 0)
            {
                _model.BarMapped(bar, isMapped);
            }
        }
    }

    /// <summary>The memory file of a mappable BAR, for whoever maps it for a driver; null for any other. It lives as long as the function.</summary>
    internal SharedMemory? BarFile(int bar) => (uint)bar < PciBar.Count ? _barMemory[bar] : null;

    /// <summary>Where the memory of a mappable BAR begins in this process.</summary>
    internal ulong BarAddress(int bar) => _barMemory[bar]!.Address;

    private static int Access(ulong offset, int length)
    {
        int access = WidestAccess;
        while (access > length || (offset & (ulong)(access - 1)) != 0)
        {
            access /= 2;
        }

        return access;
    }

    private int Answering(int index, ulong offset, int length)
    {
        if (_disposed || Layout.Bar(index) is not { } bar || offset >= bar.Bytes || !(bar.IsMemory ? IsMemoryEnabled : IsIoEnabled))
        {
            return 0;
        }

        return (int)Math.Min((ulong)length, bar.Bytes - offset);
    }

    private void ReadPart(int bar, ulong offset, Span<byte> data)
    {
        if (Layout.Msix is { } msix)
        {
            if (Lies(bar, offset, msix.TableBar, msix.TableOffset, msix.TableBytes))
            {
                _interrupts.ReadTable((int)(offset - msix.TableOffset), data);
                return;
            }

            if (Lies(bar, offset, msix.PbaBar, msix.PbaOffset, msix.PbaBytes))
            {
                _interrupts.ReadPending((int)(offset - msix.PbaOffset), data);
                return;
            }
        }

        _model.ReadBar(bar, offset, data);
    }

    private void WritePart(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        if (Layout.Msix is { } msix)
        {
            if (Lies(bar, offset, msix.TableBar, msix.TableOffset, msix.TableBytes))
            {
                _interrupts.WriteTable((int)(offset - msix.TableOffset), data);
                return;
            }

            if (Lies(bar, offset, msix.PbaBar, msix.PbaOffset, msix.PbaBytes))
            {
                return; // pending bits are the function's
            }
        }

        _model.WriteBar(bar, offset, data);
    }

    // Both places are multiples of eight bytes, so an access lies in them or it does not.
    private static bool Lies(int bar, ulong offset, int inBar, ulong from, ulong bytes) => bar == inBar && offset >= from && offset - from < bytes;
}
