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
    private readonly Translator _loop;
    private readonly bool _outermost;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal DmaScope(PortContext context, ref Translator loop)
    {
        _context = context;
        _outermost = context.Enter();

        // Read after the entry: whoever replaces the attachment waits for scopes that could have read the old one.
        _loop = Volatile.Read(ref loop);
    }

    /// <summary>Translates one address of the domain without PASID.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="access">What the device wants to do; <see cref="Permission.None"/> when it is not known.</param>
    /// <param name="host">The host address, or zero on a fault. Valid until the scope is disposed.</param>
    /// <returns>False on a fault, which <see cref="DmaPort.Explain"/> describes.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTranslate(ulong iova, Permission access, out nuint host) => _loop.TryTranslate(iova, access, out host);

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
