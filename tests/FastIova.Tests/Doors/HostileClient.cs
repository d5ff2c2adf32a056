using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>A client that writes what it likes into the memory it shares with the engine.</summary>
internal sealed unsafe class HostileClient : IDisposable
{
    private readonly SharedMemory _slots;
    private readonly Random _random;

    internal HostileClient(EchoDoor echo, Random random)
    {
        _random = random;
        using UnixSocket socket = UnixSocket.Connect(echo.Address);
        byte[] hello = new byte[DoorProtocol.GreetingBytes];
        BitConverter.TryWriteBytes(hello, DoorProtocol.Magic);
        BitConverter.TryWriteBytes(hello.AsSpan(4), DoorProtocol.Version);
        BitConverter.TryWriteBytes(hello.AsSpan(8), DoorProtocol.GreetHello);
        echo.Door.Key.CopyTo(hello.AsSpan(16));
        Assert.True(socket.TrySend(hello));
        Span<byte> answer = stackalloc byte[DoorProtocol.AnswerBytes];
        Assert.Equal(answer.Length, socket.Receive(answer, out Descriptor? slots, wait: true));
        using (slots)
        {
            _slots = SharedMemory.Open(slots!.Number);
        }
    }

    internal void Write(int calls)
    {
        // SAFETY: inside the first slot, which the engine made long enough.
        uint* slot = (uint*)_slots.Start;
        for (int call = 0; call < calls; call++)
        {
            for (int word = 1; word < DoorProtocol.SlotBytes / sizeof(uint); word++)
            {
                if (_random.Next(3) == 0)
                {
                    slot[word] = (uint)_random.Next();
                }
            }

            // Mostly calls that exist, on files that do not.
            slot[3] = _random.Next(10) == 0 ? (uint)_random.Next() : (uint)_random.Next(1, 8);
            Volatile.Write(ref slot[0], _random.Next(5) == 0 ? (uint)_random.Next() : DoorProtocol.TurnEngine);
            Futex.WakeAll(slot);
        }
    }

    public void Dispose() => _slots.Dispose();
}
