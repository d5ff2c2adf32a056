using static FastIova.DoorProtocol;

namespace FastIova;

/// <summary>What a client asks for, copied out of its slot once: the client can still change the slot, but not this.</summary>
/// <param name="Call">Which call.</param>
/// <param name="Thread">The client's thread; zero when it does not say.</param>
/// <param name="User">The client's real user.</param>
/// <param name="File">The file.</param>
/// <param name="A">The first argument.</param>
/// <param name="B">The second.</param>
/// <param name="C">The third.</param>
/// <param name="D">The fourth.</param>
internal readonly record struct DoorCall(uint Call, uint Thread, uint User, ulong File, ulong A, ulong B, ulong C, ulong D);

/// <summary>One place in the memory that the engine shares with a client: a call goes in, its result comes out.</summary>
/// <remarks>Threads: one of the engine's and one of the client's, which take turns.</remarks>
internal readonly struct CallSlot
{
    // struct door_slot of shim/protocol.h.
    private const int Turn = 0;
    private const int EngineAsleep = 4;
    private const int ClientAsleep = 8;
    private const int CallField = 12;
    private const int ThreadField = 16;
    private const int UserField = 20;
    private const int FileField = 24;
    private const int ArgumentA = 32;
    private const int ArgumentB = 40;
    private const int ArgumentC = 48;
    private const int ArgumentD = 56;
    private const int Result = 64;
    private const int Tokens = 72;
    private const int Ask = 76;
    private const int AskA = 80;
    private const int AskB = 88;
    private const int Answer = 96;
    private const int Base = 104;

    // Between two calls of one thread lie fractions of a microsecond; a longer pause is worth the two system calls of a sleep.
    private const int SpinsLeast = 32;
    private const int SpinsMost = 2000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly bool SpinningPays = Environment.ProcessorCount > 1;

    private readonly SharedWords _words;
    private readonly int _base;

    internal CallSlot(SharedWords words, int index)
    {
        _words = words;
        _base = index * SlotBytes;
    }

    /// <summary>Waits until the client has passed the turn on.</summary>
    /// <param name="wanted">What the turn is then.</param>
    /// <param name="client">Whose end ends the waiting.</param>
    /// <param name="spins">How long to spin before sleeping; adapts.</param>
    /// <returns>False when the client has ended, or passed a turn that makes no sense.</returns>
    internal bool TryAwait(uint wanted, Client client, ref int spins)
    {
        uint own = wanted == TurnAnswer ? TurnAsk : TurnClient;
        ref uint turn = ref _words.At32(_base + Turn);
        if (SpinningPays)
        {
            for (int i = 0; i < spins; i++)
            {
                if (Volatile.Read(ref turn) != own)
                {
                    spins = Math.Min(spins + (spins >> 3) + 1, SpinsMost);
                    return Volatile.Read(ref turn) == wanted && !client.HasEnded;
                }

                Thread.SpinWait(1);
            }

            spins = Math.Max(spins >> 1, SpinsLeast);
        }

        ref uint asleep = ref _words.At32(_base + EngineAsleep);
        while (!client.HasEnded)
        {
            // The client passes the turn before it looks whether the engine sleeps: one of the two sees the other.
            Volatile.Write(ref asleep, 1);
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref turn) == own)
            {
                _words.Wait(_base + Turn, own, Patience);
            }

            Volatile.Write(ref asleep, 0);
            uint now = Volatile.Read(ref turn);
            if (now != own)
            {
                return now == wanted && !client.HasEnded;
            }
        }

        return false;
    }

    /// <summary>Copies the call that the client posted.</summary>
    internal DoorCall Take() => new(
        _words.At32(_base + CallField),
        _words.At32(_base + ThreadField),
        _words.At32(_base + UserField),
        _words.At64(_base + FileField),
        _words.At64(_base + ArgumentA),
        _words.At64(_base + ArgumentB),
        _words.At64(_base + ArgumentC),
        _words.At64(_base + ArgumentD));

    /// <summary>Gives the turn back with the result of the call.</summary>
    internal void Finish(long result, uint tokens)
    {
        _words.At64(_base + Result) = (ulong)result;
        _words.At32(_base + Tokens) = tokens;
        PassTurn(TurnClient);
    }

    /// <summary>Says, before <see cref="Finish"/>, where in the descriptor that it gets the client maps.</summary>
    internal void SayBase(ulong offset) => _words.At64(_base + Base) = offset;

    /// <summary>Gives the turn to the client with a question; <see cref="TryAwait"/> waits for the answer.</summary>
    internal void Question(uint ask, ulong a, ulong b)
    {
        _words.At32(_base + Ask) = ask;
        _words.At64(_base + AskA) = a;
        _words.At64(_base + AskB) = b;
        PassTurn(TurnAsk);
    }

    /// <summary>What the client answered.</summary>
    internal long TakeAnswer() => (long)_words.At64(_base + Answer);

    /// <summary>Tells both sides that nothing is served here any more.</summary>
    internal void Stop()
    {
        Interlocked.Exchange(ref _words.At32(_base + Turn), TurnStopped);
        _words.Wake(_base + Turn);
    }

    private void PassTurn(uint turn)
    {
        // Full fence: pairs with the client's, which says that it sleeps before it looks at the turn for the last time. A slot
        // that was stopped meanwhile stays so, or a client would wait for an engine that no longer looks.
        ref uint word = ref _words.At32(_base + Turn);
        uint own = Volatile.Read(ref word);
        if (own == TurnStopped || Interlocked.CompareExchange(ref word, turn, own) != own)
        {
            return;
        }

        if (Volatile.Read(ref _words.At32(_base + ClientAsleep)) != 0)
        {
            _words.Wake(_base + Turn);
        }
    }
}
