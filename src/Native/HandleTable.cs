using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>What the pointers mean that C programs hold: numbers of objects, which are never followed.</summary>
/// <remarks>
/// <para>Owns: a reference to each object until its handle is closed.</para>
/// <para>Invariants. H1: a handle is a place in the table, in its lower half, and a turn that no earlier handle of the place had, so a closed one is
/// known as such. H2: zero is no handle. H3: turns begin at a number that the loader gives, so that the handles that a process inherits by fork
/// mean nothing in the runtime that the child starts.</para>
/// <para>Threads: any. A handle that one thread closes while another uses it is the caller's mistake: the other may find either.</para>
/// </remarks>
internal static class HandleTable
{
    private const int TurnShift = 32;
    private const int FirstPlaces = 64;

    private static readonly Lock Gate = new();
    private static readonly Stack<int> Free = new();
    private static Entry[] _entries = new Entry[FirstPlaces];
    private static int _used;
    private static ulong _firstTurn = 1;

    /// <summary>Says with which turn new places begin (H3).</summary>
    /// <param name="fork">How many forks lie between the process that loaded the library first and this one.</param>
    internal static void Begin(uint fork) => _firstTurn = ((ulong)fork << 24) | 1;

    /// <summary>Gives an object a handle.</summary>
    internal static nint Open(object target)
    {
        lock (Gate)
        {
            if (!Free.TryPop(out int place))
            {
                place = _used++;
                if (place == _entries.Length)
                {
                    Entry[] longer = new Entry[place * 2];
                    _entries.CopyTo(longer, 0);
                    Volatile.Write(ref _entries, longer); // pairs with the read in Find; otherwise a new handle could lie outside
                }

                _entries[place].Turn = _firstTurn;
            }

            ref Entry entry = ref _entries[place];
            entry.Target = target;
            entry.Handle = (nint)((entry.Turn << TurnShift) | (uint)place);
            return entry.Handle;
        }
    }

    /// <summary>Finds the object behind a handle.</summary>
    /// <returns>Null when it is closed, of another kind, or no handle at all.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T? Find<T>(nint handle)
        where T : class
    {
        Entry[] entries = Volatile.Read(ref _entries);
        uint place = (uint)handle;
        if (place >= (uint)entries.Length)
        {
            return null;
        }

        ref Entry entry = ref entries[place];
        return entry.Handle == handle ? entry.Target as T : null;
    }

    /// <summary>Takes a handle back.</summary>
    /// <returns>Its object, or null when it is none of that kind.</returns>
    internal static T? Close<T>(nint handle)
        where T : class
    {
        lock (Gate)
        {
            if (Find<T>(handle) is not { } target)
            {
                return null;
            }

            int place = (int)(uint)handle;
            ref Entry entry = ref _entries[place];
            entry.Handle = 0;
            entry.Target = null;
            entry.Turn++;
            Free.Push(place);
            return target;
        }
    }

    /// <summary>How many handles are open.</summary>
    internal static int Opened
    {
        get
        {
            lock (Gate)
            {
                return _used - Free.Count;
            }
        }
    }

    private struct Entry
    {
        internal object? Target;
        internal nint Handle;
        internal ulong Turn;
    }
}
