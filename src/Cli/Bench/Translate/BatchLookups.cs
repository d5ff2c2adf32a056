namespace FastIova.Cli;

/// <summary>A stream of addresses, translated batch after batch through a port, each batch announcing the next.</summary>
internal sealed class BatchLookups
{
    private readonly DmaPort _port;
    private readonly AddressStream _iovas;
    private readonly int _batch;
    private readonly nuint[] _hosts;
    private readonly uint[] _pasids;

    /// <param name="port">Attached to the domain.</param>
    /// <param name="iovas">Mapped addresses; a multiple of the batch.</param>
    /// <param name="batch">The look-ups in a batch.</param>
    /// <param name="pasids">The PASIDs of the batches in turn, a power of two of them; none for look-ups without.</param>
    internal BatchLookups(DmaPort port, AddressStream iovas, int batch, params uint[] pasids)
    {
        _pasids = pasids.Length == 0 ? [Fault.NoPasid] : pasids;
        _port = port;
        _iovas = iovas;
        _batch = batch;
        _hosts = GC.AllocateArray<nuint>(Math.Max(batch, 8), pinned: true);
    }

    /// <summary>Translates the stream once.</summary>
    /// <returns>The exclusive-or of the last answer of each batch.</returns>
    internal ulong Run()
    {
        ulong sum = 0;
        uint turn = 0;
        ReadOnlySpan<ulong> rest = _iovas.Numbers;
        while (!rest.IsEmpty)
        {
            ReadOnlySpan<ulong> next = rest[_batch..];
            if (!_port.TranslateBatch(rest[.._batch], _hosts, Permission.Read, out Fault fault, next[..Math.Min(_batch, next.Length)], PasidOf(turn++)))
            {
                throw new BenchFailureException($"A mapped address was not translated: {fault}.");
            }

            sum ^= _hosts[_batch - 1];
            rest = next;
        }

        return sum;
    }

    /// <summary>Compares the answers of the batches with those of the scalar walk, address by address, and gives the checksum of <see cref="Run"/>.</summary>
    /// <param name="domain">The domain.</param>
    /// <returns>The checksum, from the scalar walk alone.</returns>
    internal ulong Verify(Domain domain)
    {
        ulong sum = 0;
        ReadOnlySpan<ulong> iovas = _iovas.Numbers;
        for (int start = 0; start < iovas.Length; start += _batch)
        {
            if (!_port.TranslateBatch(iovas.Slice(start, _batch), _hosts, Permission.Read, out Fault fault, pasid: PasidOf((uint)(start / _batch))))
            {
                throw new BenchFailureException($"A mapped address was not translated: {fault}.");
            }

            for (int i = 0; i < _batch; i++)
            {
                ulong host = ScalarWalk.Translate(domain, iovas[start + i]);
                if (host != _hosts[i])
                {
                    throw new BenchFailureException(
                        $"IOVA 0x{iovas[start + i]:x} was translated to 0x{(ulong)_hosts[i]:x}, the scalar walk says 0x{host:x}: no time is reported for wrong answers.");
                }
            }

            sum ^= _hosts[_batch - 1];
        }

        return sum;
    }

    private uint PasidOf(uint turn) => _pasids[turn & (uint)(_pasids.Length - 1)];
}

/// <summary>The oracle: one word at a time, no cache, no vectors.</summary>
internal static class ScalarWalk
{
    /// <summary>Translates an address for reading.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">Any address.</param>
    /// <returns>The host address, or zero.</returns>
    internal static ulong Translate(Domain domain, ulong iova)
    {
        PtWord word = domain.Table.Walk(iova, out int pageLg2);
        int leafLg2 = word.IsLarge ? Math.Min(pageLg2, (int)domain.Options.Granule + 9) : pageLg2;
        ulong offset = (1UL << leafLg2) - 1;
        return word.IsPresent && (word.Permission & Permission.Read) != Permission.None ? (word.Host & ~offset) | (iova & offset) : 0;
    }
}
