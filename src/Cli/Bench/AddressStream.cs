using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary>A list of 64-bit numbers in huge-page memory, so that reading it costs what a caller's own buffer would and not page walks.</summary>
/// <remarks>Owns: the memory.</remarks>
internal sealed class AddressStream : IDisposable
{
    private readonly HostMemory _memory;

    /// <param name="numbers">The contents.</param>
    internal AddressStream(ReadOnlySpan<ulong> numbers)
    {
        Length = numbers.Length;
        _memory = HostMemory.Allocate((ulong)Math.Max(1, numbers.Length) * sizeof(ulong), hugePages: true);
        numbers.CopyTo(Numbers);
    }

    internal int Length { get; }

    internal Span<ulong> Numbers => MemoryMarshal.Cast<byte, ulong>(_memory.Bytes(0, Length * sizeof(ulong)));

    public void Dispose() => _memory.Dispose();
}
