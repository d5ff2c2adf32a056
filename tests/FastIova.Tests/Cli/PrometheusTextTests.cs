using System.Net;
using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class PrometheusTextTests
{
    [Fact]
    public void LabelsAndHelpsAreEscapedAndReadBack()
    {
        const string Odd = "a\\b\"c\nd";
        var family = new MetricFamily("odd_total", MetricKind.Counter, "back\\slash\nand line", [new MetricSample(string.Empty, [new("device", Odd)], 1.5)]);
        string text = PrometheusText.Write([family]);
        Assert.Equal("# HELP odd_total back\\\\slash\\nand line\n# TYPE odd_total counter\nodd_total{device=\"a\\\\b\\\"c\\nd\"} 1.5\n", text);
        KeyValuePair<string, double> series = Assert.Single(PrometheusText.Read(text));
        Assert.Equal(1.5, series.Value);
        Assert.Equal(Odd, PrometheusText.LabelOf(series.Key, "device"));
        Assert.Null(PrometheusText.LabelOf(series.Key, "other"));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(123456789012, "123456789012")]
    [InlineData(0.25, "0.25")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(double.NaN, "NaN")]
    public void NumbersAreThoseOfTheFormat(double value, string expected)
    {
        string text = PrometheusText.Write([new MetricFamily("x", MetricKind.Gauge, "", [new MetricSample(string.Empty, [], value)])]);
        Assert.EndsWith($"\nx {expected}\n", text, StringComparison.Ordinal);
        Assert.Equal(value, PrometheusText.Read(text)["x"]);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("x one")]
    [InlineData(" 1")]
    public void ALineThatIsNoneIsNamed(string line) =>
        Assert.Contains($"'{line}'", Assert.Throws<FormatException>(() => PrometheusText.Read(line)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("127.0.0.1:9000", true)]
    [InlineData("127.1.2.3:0", true)]
    [InlineData("[::1]:9000", true)]
    [InlineData("localhost:80", true)]
    [InlineData("here.sock", true)]
    [InlineData("unix:./here", true)]
    [InlineData("0.0.0.0:9000", false)]
    [InlineData("[::]:9000", false)]
    [InlineData("192.168.0.1:9000", false)]
    [InlineData("example.org:80", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.0.0.1:99999", false)]
    [InlineData(":80", false)]
    [InlineData("/no-such-folder/a.sock", false)]
    [InlineData("unix:", false)]
    [InlineData("", false)]
    public void OnlyThisMachineCanAsk(string text, bool good)
    {
        Assert.Equal(good, MetricsAddress.TryParse(text, out MetricsAddress? address, out string? complaint));
        Assert.Equal(good, address is not null);
        Assert.True(good || complaint!.Contains("127.0.0.1:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnEndpointAnswersWithEveryInstrument()
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain();
        using DmaPort port = iommu.OpenPort(new DmaPortOptions { Name = "odd \"name\"" });
        using MetricsEndpoint endpoint = MetricsEndpoint.Start(new MetricsAddress(new IPEndPoint(IPAddress.Loopback, 0), null));
        Assert.False(port.TryTranslate(0, Permission.Read, out _));
        using var client = new HttpClient();
        Uri url = new(endpoint.Url);
        string text = string.Empty;
        IReadOnlyDictionary<string, double> series = new Dictionary<string, double>(StringComparer.Ordinal);
        for (bool isThere = false; !isThere; isThere = series.Keys.Any(key => key.Contains("odd \\\"name\\\"", StringComparison.Ordinal)))
        {
            using HttpResponseMessage answer = await client.GetAsync(url, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
            text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            series = PrometheusText.Read(text);
        }

        Assert.All(
            ["fastiova_lookups_total", "fastiova_hit_ratio", "fastiova_mapped_bytes", "fastiova_grace_period_seconds_sum", "fastiova_grace_period_seconds_count", "fastiova_faults_total{reason=\"NotAttached\"}", "fastiova_grace_period_seconds_bucket{le=\"+Inf\"}"],
            name => Assert.True(series.ContainsKey(name), name));
        string[] lines = text.Split('\n');
        Assert.Contains("# TYPE fastiova_grace_period_seconds histogram", lines, StringComparer.Ordinal);
        Assert.Contains("# TYPE fastiova_lookups_total counter", lines, StringComparer.Ordinal);
        Assert.Contains("# TYPE fastiova_ports gauge", lines, StringComparer.Ordinal);
        Assert.Equal(lines.Count(line => line.StartsWith("# TYPE", StringComparison.Ordinal)), lines.Count(line => line.StartsWith("# HELP", StringComparison.Ordinal)));
        Assert.Equal(series["fastiova_grace_period_seconds_bucket{le=\"+Inf\"}"], series["fastiova_grace_period_seconds_count"]);

        using HttpResponseMessage elsewhere = await client.GetAsync(new Uri(url, "/"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, elsewhere.StatusCode);
        using HttpResponseMessage deletion = await client.DeleteAsync(url, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, deletion.StatusCode);
        Assert.Throws<IOException>(() => MetricsEndpoint.Start(new MetricsAddress(new IPEndPoint(IPAddress.Loopback, url.Port), null)));
    }

    [Fact]
    public void TopShowsOneTableOfASocket()
    {
        string path = Path.Combine(Path.GetTempPath(), $"fastiova-{Guid.NewGuid():n}.sock");
        using (var iommu = new Iommu())
        using (MetricsEndpoint.Start(new MetricsAddress(null, path)))
        {
            Assert.Throws<IOException>(() => MetricsEndpoint.Start(new MetricsAddress(null, path)));
            using var output = new StringWriter();
            using var error = new StringWriter();
            Assert.Equal(0, FastIova.Cli.Program.Run(["top", "--once", path], output, error));
            Assert.All(["look-ups", "hit ratio", "bytes mapped", "ports"], name => Assert.Contains(name, output.ToString(), StringComparison.Ordinal));
            Assert.Empty(error.ToString());
        }

        Assert.False(File.Exists(path));
        using var late = new StringWriter();
        Assert.Equal(1, FastIova.Cli.Program.Run(["top", "--once", path], TextWriter.Null, late));
        Assert.Contains("fastiova serve --metrics", late.ToString(), StringComparison.Ordinal);
    }
}
