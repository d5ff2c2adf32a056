using Xunit;

namespace FastIova.Tests;

public sealed class ShippedTracesTests
{
    public static TheoryData<string, int> Expected { get; } = new()
    {
        { "e1000e_net_strict", 1_745_398 },
        { "ext4_tree_strict", 398_787 },
        { "nvme_deep128k_lazy", 562_239 },
        { "nvme_randread4k_lazy", 1_001_357 },
        { "nvme_randread4k_strict", 900_099 },
        { "nvme_seqread1m_strict", 1_951_617 },
        { "vfio_static2m", 1_183_263 },
        { "virtioiommu_nvme_net", 1_389_455 },
    };

    [Fact]
    public void AllEightLieBesideTheProgram() =>
        Assert.Equal(Expected.Select(row => row.Data.Item1), ShippedTraces.Find().Select(DmaTrace.ShortName), StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(Expected))]
    public void EachHoldsWhatItsHeaderSays(string name, int records)
    {
        DmaTrace trace = DmaTrace.Load(ShippedTraces.Find(name));
        Assert.Equal(name, trace.Name);
        Assert.Equal(name, trace.Header.Workload);
        Assert.Equal(records, trace.Records.Length);
        Assert.Equal(records, trace.Header.Records);
        Assert.Equal(0, trace.Header.Violations);

        long[] counts = new long[TraceOpNames.End];
        foreach (ref readonly TraceRecord record in trace.Records)
        {
            counts[(int)record.Op]++;
            Assert.False(record.Disagrees);
        }

        for (int op = 0; op < counts.Length; op++)
        {
            Assert.Equal(trace.Header.Count((TraceOp)op), counts[op]);
        }

        (int start, int length) = trace.Workload.GetOffsetAndLength(records);
        Assert.Equal(TraceOp.Mark, trace.Records[start - 1].Op);
        Assert.Equal(TraceOp.Mark, trace.Records[start + length].Op);
        Assert.True(length > records / 2, $"the workload of {name} has {length} of {records} records");
    }

    [Fact]
    public void AnUnknownNameIsAnsweredWithTheKnownOnes()
    {
        FileNotFoundException e = Assert.Throws<FileNotFoundException>(() => ShippedTraces.Find("no_such_trace"));
        Assert.Contains("no_such_trace", e.Message, StringComparison.Ordinal);
        Assert.Contains("ext4_tree_strict, nvme_deep128k_lazy", e.Message, StringComparison.Ordinal);
    }
}
