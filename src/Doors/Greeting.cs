using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FastIova;

/// <summary>What a client says over a connection that lasts for one answer: <c>struct door_greeting</c>.</summary>
/// <param name="Kind">What it wants.</param>
/// <param name="Slot">Which slot to serve.</param>
/// <param name="Client">Which client it is, unless it says hello.</param>
/// <param name="Ticket">What to collect.</param>
internal readonly record struct Greeting(uint Kind, uint Slot, ulong Client, ulong Ticket)
{
    /// <summary>Reads a message.</summary>
    /// <param name="message">What came, of any length and content.</param>
    /// <param name="key">What this engine's clients know.</param>
    /// <param name="greeting">The greeting.</param>
    /// <returns>False when it is none, or of somebody who does not know the key.</returns>
    internal static bool TryParse(ReadOnlySpan<byte> message, ReadOnlySpan<byte> key, out Greeting greeting)
    {
        greeting = default;
        if (message.Length != DoorProtocol.GreetingBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(message) != DoorProtocol.Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(message[4..]) != DoorProtocol.Version
            || !CryptographicOperations.FixedTimeEquals(message.Slice(16, 16), key))
        {
            return false;
        }

        greeting = new Greeting(
            BinaryPrimitives.ReadUInt32LittleEndian(message[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(message[12..]),
            BinaryPrimitives.ReadUInt64LittleEndian(message[32..]),
            BinaryPrimitives.ReadUInt64LittleEndian(message[40..]));
        return true;
    }

    /// <summary>Writes an answer: <c>struct door_answer</c>.</summary>
    internal static void Answer(Span<byte> message, int result, ulong client)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(message, DoorProtocol.Magic);
        BinaryPrimitives.WriteInt32LittleEndian(message[4..], result);
        BinaryPrimitives.WriteUInt64LittleEndian(message[8..], client);
        BinaryPrimitives.WriteUInt64LittleEndian(message[16..], (ulong)Environment.ProcessId);
    }
}
