namespace FastIova.Tests.TestKit;

/// <summary>Another process with the same memory as this one, and a tally of its own that no other test touches.</summary>
internal sealed class ShadowMemory : MemorySpace, IDisposable
{
    internal ShadowMemory()
        : base(isRemote: true)
    {
    }

    internal bool Gone { get; set; }

    internal override bool IsGone => Gone;

    internal override bool TryRead(ulong address, Span<byte> destination) => OwnMemory.Instance.TryRead(address, destination);

    internal override bool TryWrite(ulong address, ReadOnlySpan<byte> source) => OwnMemory.Instance.TryWrite(address, source);

    internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs) =>
        OwnMemory.Instance.Pin(address, firstPage, pages, write, runs);

    internal override void Unpin(FrameRun run) => OwnMemory.Instance.Unpin(run);

    internal override bool TryIdentify(ulong address, out PageIdentity identity) => OwnMemory.Instance.TryIdentify(address, out identity);

    public void Dispose() => Unregister();
}
