using System.Runtime.CompilerServices;

namespace FastIova.Litmus;

/// <summary>The live control: a copy of the order of an unmap in which one step can be left out. The race must catch every one of them.</summary>
/// <param name="flaw">The step.</param>
internal sealed class BrokenUnmap(Flaw flaw) : IWriteSide
{
    public MapStatus TryUnmap(Domain domain, ReadOnlySpan<IovaSpan> spans)
    {
        ulong target = 0;
        using (WriterOf(domain).Enter())
        {
            foreach (IovaSpan span in spans)
            {
                if (flaw != Flaw.SkipClear)
                {
                    MapStatus status = domain.Table.Unmap(span, out _);
                    if (status != MapStatus.Success)
                    {
                        return status;
                    }
                }

                target = domain.Epoch.Publish(flaw == Flaw.SkipInvalidate
                    ? Invalidation.Nothing
                    : new Invalidation(domain.Table.SpaceId, span.First, span.Last));
            }
        }

        if (flaw != Flaw.SkipWait)
        {
            domain.Epoch.WaitForReaders(target);
        }

        return MapStatus.Success;
    }

    public MapStatus TryProtect(Domain domain, IovaSpan span, Permission permission)
    {
        if (flaw != Flaw.SkipProtectFlush)
        {
            return domain.TryProtect(span.First, span.LengthLessOne + 1, permission, out _);
        }

        using (WriterOf(domain).Enter())
        {
            return domain.Table.Protect(span, permission, out _);
        }
    }

    /// <summary>Lets a port enter its scopes with plain stores although the epoch has it down as one that executes fences.</summary>
    internal static void TakeFenceFrom(DmaPort port) => FencedOf(ContextOf(port)) = false;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_writer")]
    private static extern ref WriterLock WriterOf(Domain domain);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_context")]
    private static extern ref PortContext ContextOf(DmaPort port);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_fenced")]
    private static extern ref bool FencedOf(PortContext context);
}
