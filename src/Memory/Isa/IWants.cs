using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastIova;

/// <summary>What the accesses of a batch want, as a type: where all want the same the loops hold it in a register, else they load it beside the addresses.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
/// <remarks>Every answer has permission bits only, whatever the caller gave.</remarks>
internal interface IWants<TSelf>
    where TSelf : unmanaged, IWants<TSelf>
{
    /// <summary>Whether every answer is the same.</summary>
    static abstract bool AreAlike { get; }

    /// <summary>What the accesses from <paramref name="index"/> on want, as a batch of their own.</summary>
    /// <param name="index">The first.</param>
    TSelf From(nint index);

    /// <summary>The permission of one access.</summary>
    /// <param name="index">Which of the batch.</param>
    ulong One(nint index);

    /// <summary>The permissions of two accesses.</summary>
    /// <param name="index">The first.</param>
    Vector128<ulong> Two(nint index);

    /// <summary>The permissions of four accesses.</summary>
    /// <param name="index">The first.</param>
    Vector256<ulong> Four(nint index);

    /// <summary>The permissions of eight accesses.</summary>
    /// <param name="index">The first.</param>
    Vector512<ulong> Eight(nint index);
}

/// <summary>All accesses want the same.</summary>
/// <param name="access">What.</param>
internal readonly struct WantsAlike(Permission access) : IWants<WantsAlike>
{
    private readonly ulong _access = (ulong)(access & Permission.ReadWrite);

    public static bool AreAlike => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public WantsAlike From(nint index) => this;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong One(nint index) => _access;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<ulong> Two(nint index) => Vector128.Create(_access);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<ulong> Four(nint index) => Vector256.Create(_access);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<ulong> Eight(nint index) => Vector512.Create(_access);
}

/// <summary>Each access has a permission of its own.</summary>
/// <param name="each">One byte for each access of the batch; any value, of which the permission bits count.</param>
internal readonly unsafe struct WantsEach(Permission* each) : IWants<WantsEach>
{
    private const ulong Bits = (ulong)Permission.ReadWrite;

    // SAFETY: there is one byte for each access, and no method reads beyond those that its caller names.
    private readonly byte* _each = (byte*)each;

    public static bool AreAlike => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public WantsEach From(nint index) => new((Permission*)_each + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong One(nint index) => _each[index] & Bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<ulong> Two(nint index) => Vector128.Create(One(index), One(index + 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<ulong> Four(nint index) => Vector256.Create(One(index), One(index + 1), One(index + 2), One(index + 3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<ulong> Eight(nint index) =>
        Avx512F.ConvertToVector512UInt64(Vector128.CreateScalarUnsafe(*(ulong*)(_each + index)).AsByte()) & Vector512.Create(Bits);
}
