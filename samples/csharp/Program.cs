// A small emulator with an IOMMU: read this file from the top, then Bus.cs, Cpu.cs, GuestIommu.cs and DmaDevice.cs.
//
//   CPU ──> bus ──> RAM                    guest addresses, as the CPU sees them
//            ├────> IOMMU registers        the guest maps and unmaps what devices may reach
//            ├────> DMA device ──port──┐
//            ├────> edu (a PCI model) ─┤   iovas, as devices see memory
//            └────> console            └─> FastIova ──> RAM
using Emulator;
using FastIova;
using static Emulator.Op;

const ulong RamBytes = 16 << 20;

// 1. Guest memory. FastIova checks it once, so that mapping parts of it later makes no system call.
using HostMemory ram = HostMemory.Allocate(RamBytes);

// 2. The IOMMU: one address space (a domain) for the devices of this machine. A machine with several would have several.
using var iommu = new Iommu();
using Domain domain = iommu.CreateDomain();

// 3. Each device has a port of its own. What it can reach is what is mapped in the domain that the port is attached to.
using DmaPort dmaPort = iommu.OpenPort(new DmaPortOptions { Name = "dma", Device = 0x0008 });
using DmaPort eduPort = iommu.OpenPort(new DmaPortOptions { Name = "edu", Device = 0x0010 });
dmaPort.Attach(domain);
eduPort.Attach(domain);

// 4. The devices. One is written here; the other is a model from the package FastIova.Models behind a PCI function.
var interrupts = new InterruptLine();
using var dma = new DmaDevice(dmaPort, interrupts);
using var edu = new PciFunction(new EduModel(), eduPort);
edu.WriteConfig(4, [6, 0]); // what firmware does: let it answer memory accesses, and be bus master
var console = new GuestConsole();

// 5. The bus, as the CPU sees it.
var bus = new Bus(ram);
bus.Add(0x1000_0000, 0x1000, new GuestIommu(domain, ram));
bus.Add(0x1000_1000, 0x1000, dma);
bus.Add(0x1000_2000, 0x1000, console);
console.Bus = bus;
bus.Add(0x1010_0000, 0x10_0000, new PciWindow(edu, bar: 0));

// 6. What lies in RAM at first: a message at guest address 0x4000, and nothing at 0x9000.
"hello from the other side of the IOMMU"u8.CopyTo(ram.Bytes(0x4000, 64));

// 7. The guest: a driver that maps two buffers, has the device copy one to the other, asks for a checksum, takes a buffer
//    away, and looks at the fault that the device gets. Registers: r1 IOMMU, r2 device, r3 console, r4 edu; r0 and r5 for work.
Instruction[] guest =
[
    new(Set, 1, 0, 0x1000_0000), new(Set, 2, 0, 0x1000_1000), new(Set, 3, 0, 0x1000_2000), new(Set, 4, 0, 0x1010_0000),

    // Map guest 0x4000 for reading at iova 0x8000_0000, and guest 0x9000 for writing at iova 0xF000_0000.
    .. Call(1, GuestIommu.Map, (GuestIommu.Iova, 0x8000_0000), (GuestIommu.Guest, 0x4000), (GuestIommu.Length, 0x1000), (GuestIommu.Access, 1)),
    .. Call(1, GuestIommu.Map, (GuestIommu.Iova, 0xF000_0000), (GuestIommu.Guest, 0x9000), (GuestIommu.Length, 0x1000), (GuestIommu.Access, 3)),

    // Copy 64 bytes and wait for the interrupt; the status says zero, for no fault.
    .. Call(2, DmaDevice.Copy, (DmaDevice.Source, 0x8000_0000), (DmaDevice.Destination, 0xF000_0000), (DmaDevice.Length, 64)),
    new(Wait), new(Load, 0, 2, DmaDevice.Status), new(Store, 0, 3, GuestConsole.Number),

    // The CPU finds the text where the device has put it. A guest address, since the CPU does not go through the IOMMU.
    new(Set, 5, 0, 0x9000), new(Store, 5, 3, GuestConsole.Text),

    // The sum of what was copied, over host memory that the device looks at in place.
    .. Call(2, DmaDevice.Sum, (DmaDevice.Source, 0xF000_0000), (DmaDevice.Length, 64)),
    new(Wait), new(Load, 0, 2, DmaDevice.Result), new(Store, 0, 3, GuestConsole.Number),

    // Unmap the destination. From here on the device cannot write there, however hard it tries.
    .. Call(1, GuestIommu.Unmap, (GuestIommu.Iova, 0xF000_0000), (GuestIommu.Length, 0x1000)),
    .. Call(2, DmaDevice.Copy, (DmaDevice.Source, 0x8000_0000), (DmaDevice.Destination, 0xF000_0000), (DmaDevice.Length, 64)),
    new(Wait), new(Load, 0, 2, DmaDevice.Status), new(Store, 0, 3, GuestConsole.Number),

    // The other device: edu computes 10! while the guest polls its status.
    new(Set, 0, 0, 10), new(Store, 0, 4, 0x08),
    new(Load, 0, 4, 0x20), new(And, 0, 0, 1), new(JumpBackUnlessZero, 0, 0, 2),
    new(Load, 0, 4, 0x08), new(Store, 0, 3, GuestConsole.Number),
    new(Halt),
];

new Cpu(bus, interrupts).Run(guest);

// 8. What the guest should have seen.
string[] expected =
[
    "number 0",
    "text hello from the other side of the IOMMU",
    $"number {Sum("hello from the other side of the IOMMU"u8)}",
    $"number {(int)FaultReason.NotMapped}",
    "number 3628800",
];
foreach (string line in console.Lines)
{
    Console.WriteLine(line);
}

Console.WriteLine(dma.LastFault); // what the host knows of it
bool good = console.Lines.SequenceEqual(expected);
Console.WriteLine(good ? "The guest saw what it should." : "The guest saw something else.");
return good ? 0 : 1;

// Sets registers of a device, then its command register: what a driver does all day.
static IEnumerable<Instruction> Call(int device, ulong command, params (ulong Register, ulong Value)[] settings)
{
    foreach ((ulong register, ulong value) in settings.Append((Registers.Command, command)))
    {
        yield return new(Set, 0, 0, value);
        yield return new(Store, 0, device, register);
    }
}

static long Sum(ReadOnlySpan<byte> bytes)
{
    long sum = 0;
    foreach (byte value in bytes)
    {
        sum += value;
    }

    return sum;
}
