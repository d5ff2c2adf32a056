namespace FastIova.RingClient;

/// <summary>The example of docs/service.md; a test compares the two.</summary>
internal static class Example
{
    internal static void Run(int iommufd, uint ioas, nuint memory)
    {
        // <page>
        using ServedRing served = ServedRing.Open(iommufd, ioas, new ServedRingOptions { Capacity = 1024 });
        using RingProducer producer = served.Ring.AttachProducer();

        ulong[] iovas = [0x10_0000, 0x10_1008, 0x20_0000];
        CompletionWord[] answers = new CompletionWord[iovas.Length];
        producer.TryPublish(iovas, Permission.Read);
        for (int read = 0; read < answers.Length;)
        {
            producer.WaitCompletions(TimeSpan.FromSeconds(10));
            read += producer.TryReadCompletions(answers.AsSpan(read));
        }

        // The first two are addresses of this process; nothing is mapped at the third.
        Console.WriteLine($"{answers[0].HostAddress == memory} {answers[1].HostAddress == memory + 0x1008} {answers[2]}");
        // </page>
    }
}
