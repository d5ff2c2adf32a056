namespace FastIova;

/// <content>Reading, writing and mapping its regions.</content>
internal sealed partial class VfioDeviceFile
{
    private const int PieceBytes = 4096;

    private long _position;

    internal override long Read(Caller caller, ulong buffer, ulong count) => Advance(Transfer(caller, buffer, count, (ulong)_position, isWrite: false));

    internal override long Write(Caller caller, ulong buffer, ulong count) => Advance(Transfer(caller, buffer, count, (ulong)_position, isWrite: true));

    internal override long ReadAt(Caller caller, ulong buffer, ulong count, ulong position) => Transfer(caller, buffer, count, position, isWrite: false);

    internal override long WriteAt(Caller caller, ulong buffer, ulong count, ulong position) => Transfer(caller, buffer, count, position, isWrite: true);

    private protected override Errno MapChecked(in MapRequest request, out FileMapping? mapping)
    {
        mapping = null;
        uint index = VfioRegions.IndexOf(request.Offset);
        if (!_isGranted || !request.IsShared || VfioRegions.BarOf(_device, index) is not { IsMappable: true } bar)
        {
            return Errno.Invalid;
        }

        ulong offset = VfioRegions.Within(request.Offset);
        if (request.Length > bar.Bytes || offset > bar.Bytes - request.Length)
        {
            return Errno.Invalid;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        // A mapping keeps the file open, and with it the device.
        Interlocked.Increment(ref _holders);
        mapping = new FileMapping(_device.Function.BarFile(bar.Index)!, offset, request.Length, () =>
        {
            _device.Function.BarMapped(bar.Index, false);
            LetGo();
        });
        _device.Function.BarMapped(bar.Index, true);
        return Errno.Success;
    }

    private long Advance(long done)
    {
        _position += Math.Max(done, 0);
        return done;
    }

    private long Transfer(Caller caller, ulong buffer, ulong count, ulong position, bool isWrite)
    {
        uint index = VfioRegions.IndexOf(position);
        if ((long)position < 0)
        {
            return Refused(Errno.Invalid);
        }

        if (!UserRange.IsLegal(buffer, count))
        {
            return Refused(Errno.BadAddress);
        }

        if (!_isGranted || index >= VfioRegions.Count)
        {
            return Refused(Errno.Invalid);
        }

        _device.Power.Use();
        count = Math.Min(count, UserRange.BytesLast);
        ulong offset = VfioRegions.Within(position);
        if (index == (uint)VfioRegion.Config)
        {
            ulong bytes = (ulong)_device.Config.Bytes;
            return count == 0 ? 0
                : offset >= bytes || count > bytes - offset ? Refused(Errno.BadAddress)
                : Transfer(caller, buffer, count, index, offset, isWrite);
        }

        if (VfioRegions.BarOf(_device, index) is not { } bar || offset >= bar.Bytes)
        {
            return Refused(Errno.Invalid);
        }

        return bar.IsMemory && !_device.Function.IsMemoryEnabled
            ? Refused(Errno.InputOutput)
            : Transfer(caller, buffer, Math.Min(count, bar.Bytes - offset), index, offset, isWrite);
    }

    private long Transfer(Caller caller, ulong buffer, ulong count, uint index, ulong offset, bool isWrite)
    {
        Span<byte> room = stackalloc byte[PieceBytes];
        for (ulong done = 0; done < count;)
        {
            Span<byte> piece = room[..(int)Math.Min(count - done, PieceBytes)];
            if (isWrite)
            {
                if (!caller.Memory.TryRead(buffer + done, piece))
                {
                    return Refused(Errno.BadAddress);
                }

                WriteRegion(index, offset + done, piece);
            }
            else
            {
                ReadRegion(index, offset + done, piece);
                if (!caller.Memory.TryWrite(buffer + done, piece))
                {
                    return Refused(Errno.BadAddress);
                }
            }

            done += (ulong)piece.Length;
        }

        return (long)count;
    }

    private void ReadRegion(uint index, ulong offset, Span<byte> piece)
    {
        if (index == (uint)VfioRegion.Config)
        {
            _device.Config.Read((int)offset, piece);
            return;
        }

        // The table of MSI-X is the operating system's: a driver reads ones, and what it writes is lost.
        (int before, int inside) = Table(index, offset, piece.Length);
        _device.Function.ReadBar((int)index, offset, piece[..before]);
        piece.Slice(before, inside).Fill(0xFF);
        int behind = before + inside;
        _device.Function.ReadBar((int)index, offset + (ulong)behind, piece[behind..]);
    }

    private void WriteRegion(uint index, ulong offset, ReadOnlySpan<byte> piece)
    {
        if (index == (uint)VfioRegion.Config)
        {
            _device.Config.Write((int)offset, piece);
            return;
        }

        (int before, int inside) = Table(index, offset, piece.Length);
        _device.Function.WriteBar((int)index, offset, piece[..before]);
        int behind = before + inside;
        _device.Function.WriteBar((int)index, offset + (ulong)behind, piece[behind..]);
    }

    // How many bytes lie before the table of MSI-X, and how many in it.
    private (int Before, int Inside) Table(uint index, ulong offset, int length)
    {
        if (_device.Function.Layout.Msix is not { } msix || msix.TableBar != (int)index)
        {
            return (length, 0);
        }

        ulong end = offset + (ulong)length;
        ulong first = Math.Clamp(msix.TableOffset, offset, end);
        ulong last = Math.Clamp(msix.TableOffset + msix.TableBytes, offset, end);
        return ((int)(first - offset), (int)(last - first));
    }
}
