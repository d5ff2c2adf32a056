using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FastIova.Cli;

/// <summary>What a supervisor such as systemd passes to a service that it starts: a socket that listens already, and a place to report to.</summary>
/// <remarks>Threads: one. Both come through the environment, and are taken out of it, so that no child takes them for its own.</remarks>
internal static class Supervisor
{
    private const int FirstPassed = 3;
    private const string PassedCount = "LISTEN_FDS";
    private const string PassedTo = "LISTEN_PID";
    private const string Names = "LISTEN_FDNAMES";
    private const string ReportTo = "NOTIFY_SOCKET";

    /// <summary>Whether a socket was passed to this process.</summary>
    internal static bool PassesSocket =>
        string.Equals(Environment.GetEnvironmentVariable(PassedTo), Environment.ProcessId.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
        && Environment.GetEnvironmentVariable(PassedCount) is { Length: > 0 };

    /// <summary>Takes the socket that was passed.</summary>
    /// <returns>The socket, or null when none was.</returns>
    /// <exception cref="IOException">There is more than one, or it is of another kind.</exception>
    internal static UnixSocket? TakeSocket()
    {
        if (!PassesSocket)
        {
            return null;
        }

        string? count = Environment.GetEnvironmentVariable(PassedCount);
        Environment.SetEnvironmentVariable(PassedCount, null);
        Environment.SetEnvironmentVariable(PassedTo, null);
        Environment.SetEnvironmentVariable(Names, null);
        return count is "1"
            ? UnixSocket.AdoptListener(new Descriptor(FirstPassed))
            : throw new IOException($"{PassedCount} is {count}: pass one socket, with one ListenSequentialPacket= in the socket unit.");
    }

    /// <summary>Reports a change of state; does nothing without somebody who wants to know.</summary>
    /// <param name="state">As sd_notify(3) says, for example <c>READY=1</c>.</param>
    internal static void Report(string state)
    {
        if (Environment.GetEnvironmentVariable(ReportTo) is not { Length: > 0 } place)
        {
            return;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(place[0] == '@' ? $"\0{place[1..]}" : place));
            socket.Send(Encoding.UTF8.GetBytes(state));
        }
        catch (SocketException)
        {
            // Nobody listens any more: the service runs all the same.
        }
    }
}
