using System.Buffers.Binary;
using FastIova.Tests.TestKit;

namespace FastIova.Tests;

/// <summary>Memory for the data of a command, laid out at random and described to the controller by PRP entries or SGL descriptors.</summary>
/// <remarks>Uses a pool of pages of its own; each call of <see cref="Prp"/> or <see cref="Sgl"/> draws anew.</remarks>
internal sealed class NvmeScatter
{
    private const int PoolPages = 400;
    private const int PageBytes = 4096;

    private readonly DeviceFixture _device;
    private readonly Random _random;
    private readonly ulong[] _pages;
    private readonly ulong _rest;
    private int _next;

    internal NvmeScatter(NvmeDriver driver, Random random)
    {
        _device = driver.Device;
        _random = random;
        _rest = driver.Pages(128);
        ulong first = driver.Pages(PoolPages);
        _pages = [.. Enumerable.Range(0, PoolPages).Select(i => first + ((ulong)i * PageBytes))];
    }

    /// <summary>The pieces in order; a piece at zero is a bucket.</summary>
    internal List<(ulong Iova, int Length)> Pieces { get; } = [];

    /// <summary>Writes the data pointer of a command that moves so many bytes.</summary>
    internal void Prp(uint[] command, int bytes)
    {
        Begin();
        int offset = _random.Chance(50) ? 0 : _random.Next(0, PageBytes / 4) * 4;
        ulong first = Page() + (ulong)offset;
        int length = Math.Min(bytes, PageBytes - offset);
        Pieces.Add((first, length));
        for (int left = bytes - length; left > 0; left -= PageBytes)
        {
            Pieces.Add((Page(), Math.Min(left, PageBytes)));
        }

        ulong second = Pieces.Count switch
        {
            1 => _random.NextWord(), // not looked at
            2 => Pieces[1].Iova,
            _ => List([.. Pieces.Skip(1).Select(piece => piece.Iova)]),
        };
        SetPointer(command, first, second);
    }

    /// <summary>The same with SGL descriptors; buckets only where the controller writes.</summary>
    internal void Sgl(uint[] command, int bytes, bool buckets)
    {
        Begin();
        command[0] |= (1u + (uint)_random.Next(2)) << 14;
        for (int left = bytes; left > 0;)
        {
            int offset = _random.Next(PageBytes);
            int length = Math.Min(left, 1 + _random.Next(PageBytes - offset));
            bool isBucket = buckets && _random.Chance(10);
            Pieces.Add((isBucket ? 0 : Page() + (ulong)offset, length));
            left -= length;
            if (_random.Chance(5))
            {
                Pieces.Add((Page(), 0));
            }

            if (_next > PoolPages - 40)
            {
                // The pool is nearly used up, and lists need pages, too: the rest lies in one piece.
                Pieces.Add((_rest, left));
                left = 0;
            }
        }

        if (Pieces.Count == 1 && Pieces[0].Iova != 0)
        {
            SetPointer(command, Pieces[0].Iova, (uint)Pieces[0].Length);
            return;
        }

        Segment(command);
    }

    internal void Fill(ReadOnlySpan<byte> data)
    {
        foreach ((ulong iova, int length) in Pieces)
        {
            data[..length].CopyTo(_device.At(iova, length));
            data = data[length..];
        }
    }

    /// <summary>What the controller has written; buckets as they are in the expected data.</summary>
    internal byte[] Collect(ReadOnlySpan<byte> expected)
    {
        byte[] data = expected.ToArray();
        int at = 0;
        foreach ((ulong iova, int length) in Pieces)
        {
            if (iova != 0)
            {
                _device.At(iova, length).CopyTo(data.AsSpan(at));
            }

            at += length;
        }

        return data;
    }

    private static void SetPointer(uint[] command, ulong first, ulong second)
    {
        command[6] = (uint)first;
        command[7] = (uint)(first >> 32);
        command[8] = (uint)second;
        command[9] = (uint)(second >> 32);
    }

    private void Begin()
    {
        _random.Shuffle(_pages);
        Pieces.Clear();
        _next = 0;
    }

    private ulong Page() => _pages[_next++];

    private ulong List(ulong[] entries)
    {
        ulong page = Page();
        int offset = _random.Chance(50) ? 0 : _random.Next(480, 512);
        ulong first = page + ((ulong)offset * 8);
        int at = 0;
        while (true)
        {
            int room = 512 - offset;
            bool chains = entries.Length - at > room;
            int count = chains ? room - 1 : entries.Length - at;
            for (int i = 0; i < count; i++)
            {
                Store(page + ((ulong)(offset + i) * 8), entries[at++]);
            }

            if (!chains)
            {
                return first;
            }

            ulong next = Page();
            Store(page + (511 * 8), next);
            page = next;
            offset = 0;
        }
    }

    private void Segment(uint[] command)
    {
        ulong iova = 0;
        ulong rest = 0;
        ulong pointer = 0;
        ulong page = 0;
        int at = 0;
        while (at < Pieces.Count)
        {
            int there = Pieces.Count - at;
            bool ends = there <= 200;
            int count = ends ? there : _random.Next(1, 200);
            page = Page();
            ulong segment = page + ((ulong)_random.Next(16) * 16);
            ulong described = ((ulong)(uint)(count + (ends ? 0 : 1)) * 16) | (ends ? 0x30UL << 56 : 0x20UL << 56);
            if (pointer == 0)
            {
                (iova, rest) = (segment, described);
            }
            else
            {
                Store(pointer, segment);
                Store(pointer + 8, described);
            }

            for (int i = 0; i < count; i++, at++)
            {
                Store(segment + ((ulong)i * 16), Pieces[at].Iova);
                Store(segment + ((ulong)i * 16) + 8, (uint)Pieces[at].Length | (Pieces[at].Iova == 0 ? 0x10UL << 56 : 0));
            }

            pointer = segment + ((ulong)count * 16);
        }

        SetPointer(command, iova, rest);
    }

    private void Store(ulong iova, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(_device.At(iova, 8), value);
}
