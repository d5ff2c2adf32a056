using Xunit;

namespace FastIova.Tests.Native;

/// <summary>The C# of docs/embedding.md runs here. Its C programs and commands are run by tests/native/run.sh.</summary>
public sealed class EmbeddingSample
{
    [Fact]
    public void ADeviceModelIsDrivenThroughAFunction()
    {
#pragma warning disable xUnit1051 // the text is the document's, which knows of no tests
        // <page>
        using var iommu = new Iommu();
        using HostMemory ram = HostMemory.Allocate(16 << 20);
        using Domain domain = iommu.CreateDomain();
        using DmaPort port = iommu.OpenPort(new DmaPortOptions { Name = "edu", Device = 0x0008 });
        port.Attach(domain);

        using var interrupt = new SemaphoreSlim(0);
        using var edu = new PciFunction(new EduModel(), port, fault => Console.WriteLine(fault))
        {
            OnIntx = isAsserted => { if (isAsserted) { interrupt.Release(); } },
        };
        edu.WriteConfig(4, [6, 0]); // memory space, bus master

        // What the guest's driver does: map a buffer, and have the device copy it into its own memory (at 0x40000).
        domain.TryMap(iova: 0x10_0000, ram, offset: 0, length: 4096, Permission.Read);
        WriteRegister(0x80, 0x10_0000); // from
        WriteRegister(0x88, 0x4_0000);  // to
        WriteRegister(0x90, 64);        // bytes
        WriteRegister(0x98, 1 | 4);     // run, and tell
        interrupt.Wait();

        void WriteRegister(ulong offset, ulong value) => edu.WriteBar(0, offset, BitConverter.GetBytes(value));
        // </page>
#pragma warning restore xUnit1051 // see above

        byte[] status = new byte[8];
        edu.ReadBar(0, 0x98, status);
        Assert.Equal(0, status[0] & 1);
        Assert.True(edu.IsIntxAsserted);
    }
}
