using System.Net.Sockets;

namespace FastIova.Cli;

/// <summary>Reads an endpoint of <see cref="MetricsEndpoint"/>.</summary>
/// <remarks>Owns: a web client. Threads: one.</remarks>
internal sealed class MetricsClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _client;
    private readonly Uri _url;

    internal MetricsClient(MetricsAddress address)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (address.Path is { } path)
        {
            handler.ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }

        _url = new Uri(address.Path is null ? $"http://{address.Local}/metrics" : "http://localhost/metrics");
        _client = new HttpClient(handler) { Timeout = Patience };
    }

    /// <summary>Reads every series once.</summary>
    /// <exception cref="HttpRequestException">Nobody answers there, or with an error.</exception>
    /// <exception cref="TaskCanceledException">The answer takes too long.</exception>
    /// <exception cref="FormatException">The answer is no Prometheus text.</exception>
    internal IReadOnlyDictionary<string, double> Read() => PrometheusText.Read(_client.GetStringAsync(_url).GetAwaiter().GetResult());

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();
}
