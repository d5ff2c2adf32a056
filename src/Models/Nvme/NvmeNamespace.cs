using System.Buffers.Binary;
using System.Numerics;

namespace FastIova;

/// <summary>The one namespace of a controller: its blocks, their size, and what Identify says of them.</summary>
/// <remarks>Owns: the medium. Threads: the controller's.</remarks>
internal sealed class NvmeNamespace : IDisposable
{
    internal const uint Id = 1;

    /// <summary>The formats that can be chosen: log2 of the block size.</summary>
    private static readonly int[] Formats = [9, 12];

    private readonly byte[] _identity;
    private int _format;

    /// <param name="medium">The blocks; owned from now on.</param>
    /// <param name="blockBytes">The bytes of a block, 512 or 4096.</param>
    /// <param name="identity">Sixteen bytes that no other namespace has.</param>
    internal NvmeNamespace(NvmeMedium medium, int blockBytes, byte[] identity)
    {
        Medium = medium;
        _identity = identity;
        _format = Array.IndexOf(Formats, BitOperations.Log2((uint)blockBytes));
    }

    internal NvmeMedium Medium { get; }

    internal int BlockLg2 => Formats[_format];

    internal ulong Blocks => Medium.Bytes >> BlockLg2;

    /// <summary>Whether a range of blocks lies in the namespace.</summary>
    internal bool Contains(ulong first, ulong count) => first <= Blocks && count <= Blocks - first;

    /// <summary>Forgets all data and takes another block size.</summary>
    internal NvmeStatus Format(int format)
    {
        if (format >= Formats.Length)
        {
            return NvmeStatus.InvalidFormat;
        }

        if (!Medium.Clear(0, Medium.Bytes))
        {
            return NvmeStatus.WriteFault;
        }

        _format = format;
        return NvmeStatus.Success;
    }

    /// <summary>Fills an Identify Namespace page (NVMe 1.4, figure 245).</summary>
    internal void Identify(Span<byte> page)
    {
        page.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(page, Blocks);
        BinaryPrimitives.WriteUInt64LittleEndian(page[8..], Blocks);
        BinaryPrimitives.WriteUInt64LittleEndian(page[16..], Blocks);
        page[25] = (byte)(Formats.Length - 1);
        page[26] = (byte)_format;
        page[33] = 0b1001; // deallocated blocks read as zero; Write Zeroes may deallocate
        _identity.CopyTo(page[104..]);
        _identity.AsSpan(0, 8).CopyTo(page[120..]);
        for (int i = 0; i < Formats.Length; i++)
        {
            page[128 + (4 * i) + 2] = (byte)Formats[i];
        }
    }

    /// <summary>Fills a list of identification descriptors (figure 249).</summary>
    internal void Describe(Span<byte> page)
    {
        page.Clear();
        page[0] = 1; // EUI-64
        page[1] = 8;
        _identity.AsSpan(0, 8).CopyTo(page[4..]);
        page[12] = 2; // NGUID
        page[13] = 16;
        _identity.CopyTo(page[16..]);
        page[32] = 3; // UUID
        page[33] = 16;
        _identity.CopyTo(page[36..]);
    }

    public void Dispose() => Medium.Dispose();
}
