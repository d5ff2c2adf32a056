using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>The loops over a contiguous run of slots, eight at a time: one cache line when the run is aligned.</summary>
/// <remarks>
/// I1: a slot is read and written in whole 8-byte words: the lanes of a vector are at multiples of 8 bytes, and every machine
/// that .NET runs on moves such a lane undivided. Nothing is assumed about the order of lanes: each word says itself whose turn it is.
/// I2: what is read from a slot is read once: the word that was tested is the word that is handed out.
/// I3: runs are written from their end to their start. The other side waits at the start, so it sees the whole run at once
/// instead of fighting for each line while it is being filled.
/// I4: vectors touch whole cache lines only; one that straddled two would take the next line from the side that is still filling it.
/// I5: a slot is written once for each change of turn: it may belong to another thread by the next instruction.
/// Measured 2026-11-21 on a shared Zen 4 machine with bare loops of each scheme (not through these classes), in one interleaved run: two
/// cores, memfd, 4096 slots, every answer read, medians of 11, M requests/s at publish 1 / 8 / 256: two arrays and a tail sequence
/// 124 / 354 / 920, two arrays and a phase bit 198 / 577 / 874, one array and a tail 115 / 422 / 1566, one array and a turn bit
/// 209 / 819 / 1049, the same written backwards 210 / 775 / 2446. Hence one array, in which an answer replaces its request, and no tail.
/// Not better everywhere: with 1024 slots (malloc) a phase bit led at publish 1 (227 : 215), one array and a tail at 256 (2685 : 2238).
/// Threads: the side whose turn the slots are.
/// </remarks>
internal static unsafe class SlotRun
{
    private const int Lanes = 8;
    private const ulong AllLanes = (1UL << Lanes) - 1;

    /// <summary>Publishes requests for addresses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Publish(ulong* slots, ulong* iovas, int count, ulong mark)
    {
        // SAFETY: in all methods the caller owns count words behind each pointer; no index reaches count.
        Fence.Writes(); // pairs with the read barrier in Take; otherwise the engine could miss a mapping made before the request
        int i = count;
        int aligned = count - BeyondLine(slots + count);
        for (; i > aligned && i > 0; i--)
        {
            slots[i - 1] = RequestWord.Word(iovas[i - 1], mark);
        }

        Vector512<ulong> marks = Vector512.Create(mark);
        Vector512<ulong> most = Vector512.Create(RequestWord.IovaSaturated);
        for (; i >= Lanes; i -= Lanes)
        {
            (Vector512.Min(Vector512.Load(iovas + i - Lanes), most) | marks).Store(slots + i - Lanes);
        }

        for (; i > 0; i--)
        {
            slots[i - 1] = RequestWord.Word(iovas[i - 1], mark);
        }
    }

    /// <summary>Publishes words: <c>(word | set) &amp; ~clear</c>.</summary>
    internal static void Publish(ulong* slots, ulong* words, int count, ulong set, ulong clear)
    {
        Fence.Reads(); // pairs with the writers of tables; otherwise an answer could precede the look-up that it rests on
        Fence.Writes(); // pairs with the read barriers in Take; otherwise what was written before is not seen with the word
        int i = count;
        int aligned = count - BeyondLine(slots + count);
        for (; i > aligned && i > 0; i--)
        {
            slots[i - 1] = (words[i - 1] | set) & ~clear;
        }

        Vector512<ulong> ones = Vector512.Create(set);
        Vector512<ulong> zeros = Vector512.Create(clear);
        for (; i >= Lanes; i -= Lanes)
        {
            Vector512.AndNot(Vector512.Load(words + i - Lanes) | ones, zeros).Store(slots + i - Lanes);
        }

        for (; i > 0; i--)
        {
            slots[i - 1] = (words[i - 1] | set) & ~clear;
        }
    }

    /// <summary>Copies words while their turn bits equal <paramref name="turn"/>.</summary>
    /// <returns>How many.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Take(ulong* slots, ulong* into, int count, ulong turn)
    {
        int i = 0;
        int aligned = Math.Min(count, (Lanes - BeyondLine(slots)) & (Lanes - 1));
        for (; i < aligned; i++)
        {
            ulong word = slots[i];
            into[i] = word;
            if ((word & RequestWord.TurnMask) != turn)
            {
                Fence.Reads(); // as below
                return i;
            }
        }

        Vector512<ulong> turns = Vector512.Create(turn);
        Vector512<ulong> mask = Vector512.Create(RequestWord.TurnMask);
        for (; i <= count - Lanes; i += Lanes)
        {
            Vector512<ulong> words = Vector512.Load(slots + i);
            words.Store(into + i);
            ulong match = Vector512.Equals(words & mask, turns).ExtractMostSignificantBits();
            if (match != AllLanes)
            {
                Fence.Reads(); // as below
                return i + BitOperations.TrailingZeroCount(~match);
            }
        }

        for (; i < count; i++)
        {
            ulong word = slots[i];
            into[i] = word;
            if ((word & RequestWord.TurnMask) != turn)
            {
                break;
            }
        }

        Fence.Reads(); // pairs with the write barriers in Publish; otherwise what was written before the word is not seen with it
        return i;
    }

    /// <summary>Whether every slot is free.</summary>
    internal static bool AreFree(ulong* slots, int count)
    {
        int i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            if (Vector512.Load(slots + i) != Vector512<ulong>.Zero)
            {
                return false;
            }
        }

        for (; i < count; i++)
        {
            if (slots[i] != RequestWord.Free)
            {
                return false;
            }
        }

        Fence.Reads(); // pairs with Free; otherwise the claimer could write before the reader has read
        return true;
    }

    /// <summary>Frees slots whose answers were read.</summary>
    internal static void Free(ulong* slots, int count)
    {
        Fence.Reads(); // pairs with AreFree; otherwise a slot is reused before it was read

        // I5: Span.Clear would write some slots twice, and the second time wipe out the request that was published in between.
        int i = 0;
        int aligned = Math.Min(count, (Lanes - BeyondLine(slots)) & (Lanes - 1));
        for (; i < aligned; i++)
        {
            slots[i] = RequestWord.Free;
        }

        for (; i <= count - Lanes; i += Lanes)
        {
            Vector512<ulong>.Zero.Store(slots + i);
        }

        for (; i < count; i++)
        {
            slots[i] = RequestWord.Free;
        }
    }

    /// <summary>How many words a slot lies behind the start of its cache line.</summary>
    private static int BeyondLine(ulong* slot) => (int)((nuint)slot / sizeof(ulong)) & (Lanes - 1);
}
