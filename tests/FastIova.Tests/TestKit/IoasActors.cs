namespace FastIova.Tests.TestKit;

/// <summary>An access that remembers what it pinned.</summary>
internal sealed class PinningAccess(ulong alignment = 4096) : IoasAccess
{
    internal List<IovaSpan> Pins { get; } = [];

    /// <summary>Whether it gives back what it is asked for.</summary>
    internal bool LetsGo { get; set; } = true;

    /// <summary>The spans that it was asked about.</summary>
    internal List<IovaSpan> Asked { get; } = [];

    internal override ulong Alignment => alignment;

    internal override bool PinsPages => true;

    protected override void OnUnmap(ulong iova, ulong length)
    {
        var span = new IovaSpan(iova, iova + (length - 1));
        Asked.Add(span);
        if (LetsGo)
        {
            foreach (IovaSpan pin in Pins.Where(p => p.Overlaps(span)).ToList())
            {
                Unpin(pin.First, pin.LengthLessOne + 1);
                Pins.Remove(pin);
            }
        }
    }
}

/// <summary>An ioas with its model beside it, domains and accesses of both.</summary>
internal sealed class IoasPair : IDisposable
{
    internal Ioas Ioas { get; } = new();

    internal IoasModel Model { get; } = new();

    internal List<Domain> Domains { get; } = [];

    internal List<PinningAccess> Accesses { get; } = [];

    public void Dispose()
    {
        foreach (PinningAccess access in Accesses)
        {
            access.LetsGo = true;
            access.Attach(null);
        }

        foreach (Domain domain in Domains)
        {
            Ioas.RemoveDomain(domain);
            domain.Dispose();
        }

        Ioas.Dispose();
    }
}
