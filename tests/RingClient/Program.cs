using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace FastIova.RingClient;

/// <summary>A program in a process of its own that has addresses translated through a ring of an engine: an honest one, or a hostile one.</summary>
internal static unsafe class Program
{
    private const int Batch = 256;

    internal static int Main(string[] args)
    {
        using var guest = new Guest();
        switch (args[0])
        {
            case "translate":
                Translate(guest, int.Parse(args[1], CultureInfo.InvariantCulture));
                break;
            case "example":
                guest.Map();
                Example.Run(guest.File, guest.Ioas, guest.Memory);
                break;
            case "endless":
                Endless(guest);
                break;
            case "corrupt":
                Corrupt(guest, new Random(int.Parse(args[1], CultureInfo.InvariantCulture)));
                break;
            case "hoard":
                Hoard(guest);
                break;
            case "wrong":
                Wrong(guest);
                break;
            default:
                return 2;
        }

        return 0;
    }

    private static void Translate(Guest guest, int batches)
    {
        using ServedRing served = ServedRing.Open(guest.File, guest.Ioas);
        using RingProducer producer = served.Ring.AttachProducer();
        Expect(producer, guest, reason: FaultReason.NotMapped);
        guest.Map();
        for (int i = 0; i < batches; i++)
        {
            Expect(producer, guest, FaultReason.None);
        }

        WaitByDescriptor(served, producer, guest);
        guest.Unmap();
        Expect(producer, guest, FaultReason.NotMapped);
        guest.Map();
        Expect(producer, guest, FaultReason.None);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"translated {(batches + 3) * Batch} served {served.IsServed}"));
    }

    private static void Expect(RingProducer producer, Guest guest, FaultReason reason)
    {
        Span<ulong> iovas = stackalloc ulong[Batch];
        Span<CompletionWord> answers = stackalloc CompletionWord[Batch];
        for (int i = 0; i < Batch; i++)
        {
            iovas[i] = Guest.Iova + ((ulong)i * 4096) + (ulong)i;
        }

        Check(producer.TryPublish(iovas, Permission.ReadWrite), "the ring is full");
        for (int read = 0; read < Batch;)
        {
            Check(producer.WaitCompletions(TimeSpan.FromMinutes(1)), "no answer came");
            read += producer.TryReadCompletions(answers[read..]);
        }

        for (int i = 0; i < Batch; i++)
        {
            Check(answers[i].Reason == reason, $"request {i}: {answers[i]}");
            Check(reason != FaultReason.None || answers[i].HostAddress == guest.Memory + (iovas[i] - Guest.Iova), $"request {i}: {answers[i]}, memory 0x{guest.Memory:x}");
        }
    }

    private static void WaitByDescriptor(ServedRing served, RingProducer producer, Guest guest)
    {
        _ = served.TakeWake();
        served.Arm();
        Check(producer.TryPublish(Guest.Iova, Permission.Read), "the ring is full");
        var entry = new NativeCalls.PollEntry { Descriptor = served.WakeDescriptor, Events = 1 };
        Check(NativeCalls.Poll(&entry, 1, 60_000) == 1, "the eventfd was not signalled");
        Check(served.TakeWake(), "the eventfd holds nothing");
        Span<CompletionWord> answer = stackalloc CompletionWord[1];
        Check(producer.TryReadCompletions(answer) == 1 && answer[0].HostAddress == guest.Memory, $"{answer[0]}");
    }

    private static void Endless(Guest guest)
    {
        guest.Map();
        ServedRing served = ServedRing.Open(guest.File, guest.Ioas);
        RingProducer producer = served.Ring.AttachProducer();
        Console.WriteLine("ready");
        while (true)
        {
            Expect(producer, guest, FaultReason.None);
        }
    }

    // Writes what it likes everywhere in the ring's memory, constants and counters included.
    private static void Corrupt(Guest guest, Random random)
    {
        guest.Map();
        using ServedRing served = ServedRing.Open(guest.File, guest.Ioas, new ServedRingOptions { Capacity = 256, Producers = random.Next(2) == 0 ? RingProducers.One : RingProducers.Many });
        ulong* words = (ulong*)served.Ring.Memory.Header;
        int count = (int)(RingHeader.FileBytes(256) / sizeof(ulong));
        byte[] bytes = new byte[sizeof(ulong)];
        for (int i = 0; i < 200_000; i++)
        {
            random.NextBytes(bytes);
            ulong word = BitConverter.ToUInt64(bytes);
            int at = random.Next(4) == 0 ? random.Next(512) : random.Next(count);
            Volatile.Write(ref words[at], random.Next(3) == 0 ? RequestWord.Force(word) : word);
            if (i % 64 == 0)
            {
                served.Ring.Memory.RequestBell.Ring();
            }
        }

        Console.WriteLine("corrupted");
    }

    private static void Hoard(Guest guest)
    {
        var rings = new List<ServedRing>();
        Errno last = Errno.Success;
        while (last == Errno.Success)
        {
            try
            {
                rings.Add(ServedRing.Open(guest.File, guest.Ioas));
            }
            catch (IommufdException refused)
            {
                last = refused.Errno;
            }
        }

        int files = 1;
        while (NativeCalls.Open("/dev/iommu", 2) >= 0)
        {
            files++;
        }

        Console.WriteLine($"rings {rings.Count} {last} files {files} {(Errno)System.Runtime.InteropServices.Marshal.GetLastPInvokeError()}");
    }

    private static void Wrong(Guest guest)
    {
        using SafeFileHandle zero = File.OpenHandle("/dev/zero");
        Console.WriteLine(string.Join(
            ' ',
            Try((int)zero.DangerousGetHandle(), guest.Ioas, 64),
            Try(guest.File, guest.Ioas + 1000, 64),
            Try(guest.File, guest.Ioas, 63),
            Try(guest.File, guest.Ioas, 1 << 20),
            Try(guest.File, guest.Ioas, 0),
            Try(guest.File, guest.Ioas, 64),
            guest.MapWithoutASize()));

        static Errno Try(int file, uint ioas, int capacity)
        {
            try
            {
                ServedRing.Open(file, ioas, new ServedRingOptions { Capacity = capacity }).Dispose();
                return Errno.Success;
            }
            catch (IommufdException refused)
            {
                return refused.Errno;
            }
        }
    }

    private static void Check(bool good, string complaint)
    {
        if (!good)
        {
            throw new InvalidOperationException(complaint);
        }
    }
}
