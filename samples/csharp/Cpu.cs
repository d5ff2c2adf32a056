namespace Emulator;

/// <summary>What the CPU can do. A and B are registers, Value is a number in the instruction.</summary>
internal enum Op
{
    Halt,
    Set, // A = Value
    And, // A &= Value
    Load, // A = bus[B + Value]
    Store, // bus[B + Value] = A
    JumpBackUnlessZero, // when A is not zero, go Value instructions back
    Wait, // until an interrupt comes
}

/// <summary>One instruction.</summary>
internal readonly record struct Instruction(Op Op, int A = 0, int B = 0, ulong Value = 0);

/// <summary>The wire from the devices to the CPU. Each assertion wakes one Wait, also when it came first.</summary>
internal sealed class InterruptLine
{
    private readonly SemaphoreSlim _pending = new(0);

    internal void Assert() => _pending.Release();

    internal void Await() => _pending.Wait();
}

/// <summary>Runs a guest program: registers, loads, stores, interrupts.</summary>
internal sealed class Cpu(Bus bus, InterruptLine interrupts)
{
    private readonly ulong[] _registers = new ulong[8];

    internal void Run(ReadOnlySpan<Instruction> program)
    {
        for (int at = 0; program[at].Op != Op.Halt; at++)
        {
            (Op op, int a, int b, ulong value) = program[at];
            switch (op)
            {
                case Op.Set:
                    _registers[a] = value;
                    break;
                case Op.And:
                    _registers[a] &= value;
                    break;
                case Op.Load:
                    _registers[a] = bus.Read(_registers[b] + value);
                    break;
                case Op.Store:
                    bus.Write(_registers[b] + value, _registers[a]);
                    break;
                case Op.JumpBackUnlessZero when _registers[a] != 0:
                    at -= (int)value + 1;
                    break;
                case Op.Wait:
                    interrupts.Await();
                    break;
                default:
                    break;
            }
        }
    }
}
