namespace FastIova;

/// <summary>What an <see cref="NvmeModel"/> is made of: either memory or an image.</summary>
public sealed record NvmeModelOptions
{
    /// <summary>The most pairs of I/O queues.</summary>
    public const int IoQueuesMost = 64;

    /// <summary>The bytes of a namespace in memory; zero when there is an image.</summary>
    public ulong MemoryBytes { get; init; }

    /// <summary>The file that is the namespace; null when it is in memory. Nobody else may have it open.</summary>
    public string? ImagePath { get; init; }

    /// <summary>The bytes of a block at first: 512 or 4096. Format changes them until the model ends.</summary>
    public int BlockBytes { get; init; } = 512;

    /// <summary>How many pairs of I/O queues a driver may make.</summary>
    public int IoQueues { get; init; } = IoQueuesMost;

    /// <summary>The serial number, 1 to 20 printable characters; null for one that no other model of this process has.</summary>
    public string? Serial { get; init; }

    /// <summary>Checks every rule.</summary>
    /// <exception cref="ArgumentException">A rule is broken: the message names the value, the rule and the remedy.</exception>
    internal void Check()
    {
        if (MemoryBytes != 0 == ImagePath is not null)
        {
            throw Broken("A namespace lies either in memory or in an image: give one of MemoryBytes and ImagePath.");
        }

        if (BlockBytes is not (512 or 4096))
        {
            throw Broken($"Blocks of {BlockBytes} bytes are not offered: use 512 or 4096.");
        }

        if (MemoryBytes % (uint)BlockBytes != 0)
        {
            throw Broken($"A namespace of {MemoryBytes} bytes has a part of a block at its end: use a multiple of {BlockBytes}.");
        }

        if (IoQueues is < 1 or > IoQueuesMost)
        {
            throw Broken($"{IoQueues} pairs of I/O queues are not offered: use 1 to {IoQueuesMost}.");
        }

        if (Serial is { } serial && (serial.Length is < 1 or > 20 || serial.Any(character => character is < ' ' or > '~')))
        {
            throw Broken($"The serial number '{serial}' does not fit: use 1 to 20 printable ASCII characters.");
        }
    }

#pragma warning disable MA0015 // the message names the option
    private static ArgumentException Broken(string message) => new(message);
#pragma warning restore MA0015 // see above
}
