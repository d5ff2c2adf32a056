namespace FastIova;

/// <summary>A port as C holds it: with the scopes that its thread has entered, each call one deeper.</summary>
/// <param name="port">The port.</param>
/// <remarks>Owns: the port. Threads: as the port, one at a time.</remarks>
internal sealed class NativePort(DmaPort port)
{
    internal DmaPort Port { get; } = port;

    /// <summary>The scopes that are open; zero outside.</summary>
    internal int Depth { get; set; }
}
