using Xunit;

namespace FastIova.Tests.Traces;

/// <summary>The code of data/dma-traces/README.md, compiled and run.</summary>
public sealed class TraceSample
{
    // Its header counts 282,545; the others come before the workload.
    private const int WorkloadTranslations = 282_473;

    private int _looks;

    [Fact]
    public void TheCodeOfThePageSeesEveryTranslation()
    {
        Walk();
        Assert.Equal(WorkloadTranslations, _looks);
    }

    private void Walk()
    {
        // <page>
        DmaTrace trace = DmaTrace.Load(ShippedTraces.Find("ext4_tree_strict"));
        foreach (TraceRecord record in trace.Records[trace.Workload])
        {
            if (record.Op == TraceOp.Translate)
            {
                Look(record.Device, record.Iova);
            }
        }
        // </page>
    }

    private void Look(ushort device, ulong iova) => _looks += device > 0 || iova > 0 ? 1 : 0;
}
