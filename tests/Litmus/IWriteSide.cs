namespace FastIova.Litmus;

/// <summary>How translations are taken away: as the engine does it, or with a step left out.</summary>
internal interface IWriteSide
{
    /// <summary>Takes ranges away.</summary>
    MapStatus TryUnmap(Domain domain, ReadOnlySpan<IovaSpan> spans);

    /// <summary>Changes the permission of a range.</summary>
    MapStatus TryProtect(Domain domain, IovaSpan span, Permission permission);
}

/// <summary>The engine's own code.</summary>
internal sealed class EngineWrites : IWriteSide
{
    public MapStatus TryUnmap(Domain domain, ReadOnlySpan<IovaSpan> spans) => spans.Length == 1
        ? domain.TryUnmap(spans[0].First, spans[0].LengthLessOne + 1, out _)
        : domain.TryUnmap(spans, out _, out _);

    public MapStatus TryProtect(Domain domain, IovaSpan span, Permission permission) =>
        domain.TryProtect(span.First, span.LengthLessOne + 1, permission, out _);
}
