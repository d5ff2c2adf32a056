using System.Runtime.InteropServices;

namespace FastIova;

/// <content>The registers in memory that a driver has mapped (E4).</content>
public sealed partial class EduModel
{
    private readonly MappedWords _words = new((DmaCommand + sizeof(ulong)) / sizeof(uint));

    private void LookIfMapped()
    {
        if (_isMapped)
        {
            Look();
        }
    }

    private void ShowIfMapped()
    {
        if (_isMapped)
        {
            Show();
        }
    }

    // The command is read first and obeyed last: a driver writes it when the rest is there.
    private void Look()
    {
        Span<uint> memory = MemoryMarshal.Cast<byte, uint>(_host!.BarMemory(0));
        bool ordered = TakeLong(memory, DmaCommand, out ulong command);
        _ = _words.Take(memory, Identification / 4, out _);
        _ = _words.Take(memory, InterruptStatus / 4, out _);
        foreach (int offset in (ReadOnlySpan<int>)[Liveness, Factorial, Status, InterruptRaise, InterruptAcknowledge])
        {
            if (_words.Take(memory, offset / 4, out uint value))
            {
                Store(offset, value);
            }
        }

        foreach (int offset in (ReadOnlySpan<int>)[DmaSource, DmaDestination, DmaCount])
        {
            if (TakeLong(memory, offset, out ulong value))
            {
                Store(offset, value);
            }
        }

        if (ordered)
        {
            Store(DmaCommand, command);
        }

        Show();
    }

    private void Show()
    {
        Span<uint> memory = MemoryMarshal.Cast<byte, uint>(_host!.BarMemory(0));
        _words.Show(memory, Identification / 4, Identity);
        _words.Show(memory, Liveness / 4, _liveness);
        _words.Show(memory, Factorial / 4, _factorial);
        _words.Show(memory, Status / 4, _status);
        _words.Show(memory, InterruptStatus / 4, _interrupts);

        // Registers that only take orders are zero until there is one, so that the same order can come twice.
        _words.Show(memory, InterruptRaise / 4, 0);
        _words.Show(memory, InterruptAcknowledge / 4, 0);
        ShowLong(memory, DmaSource, _source);
        ShowLong(memory, DmaDestination, _destination);
        ShowLong(memory, DmaCount, _count);
        ShowLong(memory, DmaCommand, _command);
    }

    private bool TakeLong(Span<uint> memory, int offset, out ulong value)
    {
        bool written = _words.Take(memory, offset / 4, out uint low);
        written |= _words.Take(memory, (offset / 4) + 1, out uint high);
        value = ((ulong)high << 32) | low;
        return written;
    }

    private void ShowLong(Span<uint> memory, int offset, ulong value)
    {
        _words.Show(memory, offset / 4, (uint)value);
        _words.Show(memory, (offset / 4) + 1, (uint)(value >> 32));
    }
}
