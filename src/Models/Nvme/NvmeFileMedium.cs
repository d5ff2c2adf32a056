using Microsoft.Win32.SafeHandles;

namespace FastIova;

/// <summary>Blocks in a file. Whole calls of the system, no mapping: a file that somebody cuts off fails a command, not the process.</summary>
/// <remarks>Owns: the open file, locked against other models. Threads: as <see cref="NvmeMedium"/>.</remarks>
internal sealed class NvmeFileMedium : NvmeMedium
{
    private const int ZeroBytes = 64 << 10;

    private static readonly byte[] Zeros = new byte[ZeroBytes];

    private readonly SafeFileHandle _file;

    /// <param name="path">An image of at least one block; what is beyond the last whole block is left alone.</param>
    /// <param name="blockBytes">The largest block that the namespace can have.</param>
    /// <exception cref="IOException">The file cannot be opened for reading and writing, or another model has it.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened so.</exception>
    /// <exception cref="ArgumentException">It is too short.</exception>
    internal NvmeFileMedium(string path, int blockBytes)
    {
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        try
        {
            Bytes = (ulong)RandomAccess.GetLength(_file) & ~((ulong)blockBytes - 1);
            if (Bytes == 0)
            {
                throw new ArgumentException($"The image '{path}' is shorter than a block of {blockBytes} bytes: make it longer, for instance with truncate -s 1G.", nameof(path));
            }
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    internal override ulong Bytes { get; }

    internal override Span<byte> Direct(ulong offset, int length) => default;

    internal override bool Read(ulong offset, Span<byte> buffer)
    {
        try
        {
            for (int done = 0; done < buffer.Length;)
            {
                int read = RandomAccess.Read(_file, buffer[done..], (long)offset + done);
                if (read <= 0)
                {
                    return false; // somebody has cut the file off
                }

                done += read;
            }

            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    internal override bool Write(ulong offset, ReadOnlySpan<byte> data)
    {
        try
        {
            RandomAccess.Write(_file, data, (long)offset);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    internal override bool Clear(ulong offset, ulong length)
    {
        for (ulong done = 0; done < length;)
        {
            int part = (int)Math.Min(length - done, ZeroBytes);
            if (!Write(offset + done, Zeros.AsSpan(0, part)))
            {
                return false;
            }

            done += (uint)part;
        }

        return true;
    }

    internal override bool Flush()
    {
        try
        {
            RandomAccess.FlushToDisk(_file);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public override void Dispose() => _file.Dispose();
}
