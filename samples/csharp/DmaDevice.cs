using System.Collections.Concurrent;
using FastIova;

namespace Emulator;

/// <summary>A device that copies and adds up memory, on a thread of its own: the CPU goes on meanwhile, as with a real one.</summary>
internal sealed class DmaDevice : IBusDevice, IDisposable
{
    // Commands.
    internal const ulong Copy = 1;
    internal const ulong Sum = 2;

    // Registers.
    internal const ulong Source = 8;
    internal const ulong Destination = 16;
    internal const ulong Length = 24;
    internal const ulong Status = 32;
    internal const ulong Result = 40;

    private readonly ulong[] _registers = new ulong[8];
    private readonly BlockingCollection<(ulong Command, ulong Source, ulong Destination, int Length)> _orders = [];
    private readonly DmaPort _port;
    private readonly InterruptLine _interrupts;
    private readonly Thread _thread;

    internal DmaDevice(DmaPort port, InterruptLine interrupts)
    {
        _port = port;
        _interrupts = interrupts;
        _thread = new Thread(Work) { Name = "dma" };
        _thread.Start();
    }

    /// <summary>What the bus would log.</summary>
    internal Fault LastFault { get; private set; }

    public ulong Read(ulong register) => Volatile.Read(ref _registers[(register / 8) & 7]);

    public void Write(ulong register, ulong value)
    {
        Volatile.Write(ref _registers[(register / 8) & 7], value);
        if (register == Registers.Command)
        {
            _orders.Add((value, Read(Source), Read(Destination), (int)Math.Min(Read(Length), 1 << 20)));
        }
    }

    public void Dispose()
    {
        _orders.CompleteAdding();
        _thread.Join(); // the port is used by one thread at a time: it is not closed before this one has ended
    }

    private void Work()
    {
        foreach ((ulong command, ulong source, ulong destination, int length) in _orders.GetConsumingEnumerable())
        {
            // A fault is a value: the device reports it, as hardware would.
            ulong result = 0;
            bool good = command == Copy ? TryCopy(source, destination, length, out Fault fault) : TrySum(source, length, out result, out fault);
            LastFault = good ? LastFault : fault;
            Volatile.Write(ref _registers[Result / 8], result);
            Volatile.Write(ref _registers[Status / 8], (ulong)fault.Reason);
            _interrupts.Assert();
        }
    }

    // The simple way: through a buffer, page boundaries and all.
    private bool TryCopy(ulong source, ulong destination, int length, out Fault fault)
    {
        byte[] buffer = new byte[length];
        return _port.Read(source, buffer, out fault) && _port.Write(destination, buffer, out fault);
    }

    // The fast way: in place. What TranslateRange answers is valid until the scope ends, because an unmap waits for it.
    private bool TrySum(ulong source, int length, out ulong sum, out Fault fault)
    {
        Span<HostSegment> segments = stackalloc HostSegment[16];
        sum = 0;
        fault = default;
        for (ulong done = 0; done < (ulong)length;)
        {
            using DmaScope scope = _port.Enter();
            done += _port.TranslateRange(source + done, (ulong)length - done, Permission.Read, segments, out int count, out fault);
            foreach (HostSegment segment in segments[..count])
            {
                sum += Add(segment);
            }

            if (fault.Reason != FaultReason.None)
            {
                return false;
            }
        }

        return true;
    }

    private static unsafe ulong Add(HostSegment segment)
    {
        ulong sum = 0;
        foreach (byte value in new ReadOnlySpan<byte>((void*)segment.Address, checked((int)segment.Length)))
        {
            sum += value;
        }

        return sum;
    }
}
