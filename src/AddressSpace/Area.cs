namespace FastIova;

/// <summary>One mapping of an ioas: a span of iovas, its permission, and the pages behind it.</summary>
/// <remarks>
/// <para>Invariants. A1: the span, the pages and the permission do not change while the area is in the tree. A2: it is not
/// live while a thread builds it or takes it away; only that thread then touches it, and the ioas counts that thread as
/// underway. A3: <see cref="IsHeld"/> means that it is a user of its pages and mapped in every domain of the ioas.</para>
/// <para>Threads: under the lock of the ioas, but for A2.</para>
/// </remarks>
internal sealed class Area
{
    /// <summary>The first iova.</summary>
    internal ulong First { get; private set; }

    /// <summary>The last iova.</summary>
    internal ulong Last { get; private set; }

    internal IovaSpan Span => new(First, Last);

    internal ulong LengthLessOne => Last - First;

    /// <summary>The pages; it has a reference.</summary>
    internal Pages Pages { get; private set; } = null!;

    /// <summary>Where its first byte lies, from the start of the first page.</summary>
    internal ulong StartByte { get; private set; }

    internal Permission Permission { get; private set; }

    /// <summary>Whether it can be used: neither being built nor being taken away.</summary>
    internal bool IsLive { get; set; }

    /// <summary>Whether its pages are pinned for the domains of the ioas.</summary>
    internal bool IsHeld { get; set; }

    /// <summary>Whether accesses are refused, because it is to be unmapped as soon as they have let go.</summary>
    internal bool PreventsAccess { get; set; }

    /// <summary>The pins of accesses.</summary>
    internal int Accesses { get; set; }

    /// <summary>Those of them that nobody can be asked to give back: the area stays until they are gone.</summary>
    internal int Locks { get; set; }

    /// <summary>The next area of a list of those that are being built or taken away, or of spare ones.</summary>
    internal Area? Next { get; set; }

    internal ulong FirstPage => StartByte >> Frame.PageLg2;

    internal ulong LastPage => (StartByte + LengthLessOne) >> Frame.PageLg2;

    internal ulong PageOffset => StartByte & (Frame.PageBytes - 1);

    internal Area Set(ulong first, ulong last, Pages pages, ulong startByte, Permission permission)
    {
        First = first;
        Last = last;
        Pages = pages;
        StartByte = startByte;
        Permission = permission;
        IsLive = false;
        IsHeld = false;
        PreventsAccess = false;
        Accesses = 0;
        Locks = 0;
        Next = null;
        return this;
    }

    /// <summary>Where an iova lies, from the start of the first page.</summary>
    internal ulong StartByteOf(ulong iova) => iova - First + StartByte;

    /// <summary>Which page an iova lies in.</summary>
    internal ulong PageOf(ulong iova) => StartByteOf(iova) >> Frame.PageLg2;

    internal void Forget()
    {
        Pages = null!;
        Next = null;
    }
}
