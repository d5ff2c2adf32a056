using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>
/// The time in which translations of a port may be used. Whoever unmaps waits until the scope is disposed: keep it short,
/// and never change a domain inside it.
/// </summary>
/// <remarks>Threads: the port's. A scope inside another one of the same port costs next to nothing and ends nothing.</remarks>
public readonly ref struct DmaScope : IDisposable
{
    private readonly PortContext _context;
    private readonly bool _outermost;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal DmaScope(PortContext context)
    {
        _context = context;
        _outermost = context.Enter();
    }

    /// <summary>Ends the scope: translations that were handed out in it are void.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose()
    {
        if (_outermost)
        {
            _context.Leave();
        }
    }
}
