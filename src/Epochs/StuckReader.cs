using System.Globalization;

namespace FastIova;

/// <summary>A reader that has stayed inside one scope for so long that somebody's unmap waits for it.</summary>
/// <param name="Reader">The name that the reader was opened with.</param>
/// <param name="ThreadId">The managed id of the thread that opened the reader.</param>
/// <param name="Waited">How long the writer has waited so far.</param>
public sealed record StuckReader(string Reader, int ThreadId, TimeSpan Waited)
{
    /// <summary>The report as one readable line.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"Reader '{Reader}', opened by thread {ThreadId}, has kept an unmap waiting for {Waited.TotalMilliseconds:F0} ms: dispose its DmaScope sooner.");
}
