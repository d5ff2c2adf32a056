using Xunit;

namespace FastIova.Tests;

public sealed class ReadmeSample
{
    [Fact]
    public void TheFirstProgramOfTheReadmeRuns()
    {
        TextWriter console = Console.Out;
        using var output = new StringWriter();
        Console.SetOut(output);
        try
        {
            Run();
        }
        finally
        {
            Console.SetOut(console);
        }

        Assert.StartsWith("True: 0x", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("NotMapped at IOVA 0x100ff8, Read wanted, device 256, no PASID", output.ToString(), StringComparison.Ordinal);
    }

    private static void Run()
    {
        // <page>
        using var iommu = new Iommu();
        using HostMemory memory = HostMemory.Allocate(4 << 20);
        using Domain domain = iommu.CreateDomain();
        domain.Map(iova: 0x10_0000, memory.Address, length: 2 << 20, Permission.ReadWrite);

        // One port for each device queue or thread.
        using DmaPort port = iommu.OpenPort(new DmaPortOptions { Name = "nvme0", Device = 0x0100 });
        port.Attach(domain);

        // A device reads and writes memory as it sees it, across pages.
        port.Write(0x10_0ff8, "hello, device"u8, out _);

        // Many addresses at once; the answers are host addresses, valid inside the scope.
        ulong[] iovas = [0x10_0ff8, 0x11_0000, 0x12_3456];
        nuint[] hosts = new nuint[iovas.Length];
        using (port.Enter())
        {
            bool all = port.TranslateBatch(iovas, hosts, Permission.Read, out Fault none);
            Console.WriteLine($"{all}: 0x{hosts[0]:x}");
        }

        // When Unmap returns, no translation handed out before is still in use, and none will be handed out again.
        domain.Unmap(0x10_0000, 2 << 20);
        port.TryTranslate(0x10_0ff8, Permission.Read, out _);
        Console.WriteLine(port.Explain(0x10_0ff8, Permission.Read)); // NotMapped at IOVA 0x100ff8, Read wanted, device 256, no PASID
        // </page>
    }

    [Fact]
    public void TheControlPlaneOfTheReadmeRuns()
    {
        using HostMemory memory = HostMemory.Allocate(2 << 20);

        // <page>
        using var engine = new Engine();
        using IommufdContext iommufd = engine.OpenIommufd(); // what a program gets that opens /dev/iommu
        using DmaPort port = engine.Iommu.OpenPort();
        using IommufdDevice device = iommufd.Bind(port);

        IoasId ioas = iommufd.AllocateIoas();
        device.Attach(ioas);
        ulong iova = iommufd.Map(ioas, memory.Address, 2 << 20, Permission.ReadWrite); // at once what the port translates
        port.Write(iova, "hello, device"u8, out _);
        iommufd.Unmap(ioas, iova, 2 << 20);
        // </page>

        Assert.Equal((byte)'h', memory.Bytes(0, 1)[0]);
        Assert.False(port.TryTranslate(iova, Permission.Read, out _));
    }
}
