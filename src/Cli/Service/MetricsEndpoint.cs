using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FastIova.Cli;

/// <summary>Answers <c>GET /metrics</c> with the counters of the process, for collectors on this machine.</summary>
/// <remarks>
/// <para>Owns: a web server without a host: it handles no signals, reads no files and writes no log.</para>
/// <para>Threads: any. Teardown: stops at once; never fails.</para>
/// </remarks>
internal sealed class MetricsEndpoint : IHttpApplication<HttpContext>, IDisposable
{
    private const string Path = "/metrics";
    private const int ConnectionsLast = 64;
    private static readonly TimeSpan HeadersWithin = TimeSpan.FromSeconds(10);

    private readonly MetricSamples _samples = new();
    private readonly KestrelServer _server;
    private readonly string? _socket;

    private MetricsEndpoint(MetricsAddress address)
    {
        _socket = address.Path;
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = ConnectionsLast;
        options.Limits.MaxRequestBodySize = 0;
        options.Limits.RequestHeadersTimeout = HeadersWithin;
        options.Limits.KeepAliveTimeout = HeadersWithin; // also of who connects and asks nothing: there are places for few
        if (_socket is not null)
        {
            options.ListenUnixSocket(_socket);
        }
        else
        {
            options.Listen(address.Local!);
        }

        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
        _server = new KestrelServer(Options.Create(options), transport, NullLoggerFactory.Instance);
    }

    /// <summary>Where it answers; the port that the system chose for port zero.</summary>
    internal string Url => _socket is not null ? $"unix:{_socket}" : $"{_server.Features.Get<IServerAddressesFeature>()!.Addresses.First()}{Path}";

    /// <summary>Begins to answer.</summary>
    /// <exception cref="IOException">The place is taken, or nothing can be made there.</exception>
    internal static MetricsEndpoint Start(MetricsAddress address)
    {
        if (File.Exists(address.Path))
        {
            throw new IOException($"{address.Path} exists: another program answers there, or has left it behind; end that program or delete the file.");
        }

        var endpoint = new MetricsEndpoint(address);
        try
        {
            endpoint._server.StartAsync(endpoint, CancellationToken.None).GetAwaiter().GetResult();
            return endpoint;
        }
        catch (Exception refused) when (refused is not IOException)
        {
            endpoint.Dispose();
            throw new IOException(refused.Message, refused);
        }
        catch
        {
            endpoint.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        if (!string.Equals(context.Request.Path.Value, Path, StringComparison.Ordinal))
        {
            response.StatusCode = (int)HttpStatusCode.NotFound;
            await response.WriteAsync($"Metrics are at {Path}.\n");
            return;
        }

        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            response.StatusCode = (int)HttpStatusCode.MethodNotAllowed;
            response.Headers.Allow = "GET, HEAD";
            return;
        }

        byte[] text = System.Text.Encoding.UTF8.GetBytes(PrometheusText.Write(_samples.Read()));
        response.ContentType = PrometheusText.ContentType;
        response.ContentLength = text.Length;
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await response.Body.WriteAsync(text);
        }
    }

    /// <inheritdoc/>
    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using var now = new CancellationTokenSource();
        now.Cancel();
        _server.StopAsync(now.Token).GetAwaiter().GetResult();
        _server.Dispose();
        _samples.Dispose();
        if (_socket is not null)
        {
            File.Delete(_socket);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"metrics at {Url}");
}
