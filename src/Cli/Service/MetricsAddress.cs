using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace FastIova.Cli;

/// <summary>Where metrics are offered: a port of this machine that no other machine reaches, or a socket in the file system.</summary>
/// <param name="Local">The loopback address and port; null for a socket.</param>
/// <param name="Path">The path of the socket; null for a port.</param>
internal sealed record MetricsAddress(IPEndPoint? Local, string? Path)
{
    private const string SocketEnding = ".sock";
    private const string PathPrefix = "unix:";

    /// <summary>Reads an address.</summary>
    /// <param name="text">What a user wrote.</param>
    /// <param name="address">The address.</param>
    /// <param name="complaint">What is wrong with it, and what to write instead.</param>
    internal static bool TryParse(string text, [NotNullWhen(true)] out MetricsAddress? address, [NotNullWhen(false)] out string? complaint)
    {
        address = null;
        complaint = null;
        if (text.StartsWith(PathPrefix, StringComparison.Ordinal) || text.Contains('/', StringComparison.Ordinal) || text.EndsWith(SocketEnding, StringComparison.Ordinal))
        {
            string path = text.StartsWith(PathPrefix, StringComparison.Ordinal) ? text[PathPrefix.Length..] : text;
            path = path.Length == 0 ? path : System.IO.Path.GetFullPath(path);
            if (path.Length == 0 || !Directory.Exists(System.IO.Path.GetDirectoryName(path)))
            {
                complaint = $"'{text}' does not lie in a folder that exists: make the folder first, or give 127.0.0.1:PORT.";
                return false;
            }

            address = new MetricsAddress(null, path);
            return true;
        }

        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? string.Empty : text[..colon];
        bool isAddress = IPAddress.TryParse(host is "localhost" ? "127.0.0.1" : host.Trim('[', ']'), out IPAddress? ip);
        if (!isAddress || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            complaint = $"'{text}' is neither an address with a port nor the path of a socket: give 127.0.0.1:PORT, or a path that ends with {SocketEnding}.";
            return false;
        }

        if (!IPAddress.IsLoopback(ip!))
        {
            complaint = $"'{text}' can be reached from other machines: metrics say what runs here, so give 127.0.0.1:{port} or the path of a socket, and let a collector on this machine pass them on.";
            return false;
        }

        address = new MetricsAddress(new IPEndPoint(ip!, port), null);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Path ?? Local!.ToString();
}
