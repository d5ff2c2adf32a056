namespace FastIova;

/// <summary>
/// Which frames lie side by side in the memory of the machine, as a device sees it that is given one address for many pages.
/// Neighbours in the address space of a process are no neighbours there: only the parts of one page of the kernel surely are.
/// </summary>
internal static class Contiguity
{
    private const int HugePageLg2 = 21;

    /// <summary>Whether a frame follows another at once.</summary>
    internal static bool Follows(Frame first, Frame second) =>
        second == first.Next(1) && first.Word >> HugePageLg2 == second.Word >> HugePageLg2 && IsInLargerPage(first);

    /// <summary>Whether each frame of a run follows the one before it.</summary>
    internal static bool IsOnePiece(FrameRun run)
    {
        for (ulong i = 1; i < run.Pages; i++)
        {
            if (!Follows(run.First.Next(i - 1), run.First.Next(i)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a frame is a part of a larger page of the kernel.</summary>
    internal static bool IsInLargerPage(Frame frame) => frame.IsRemote
        ? MemorySpace.ByIndex(frame.SpaceIndex)?.IsCompound(frame.RemoteAddress) == true
        : OwnMemory.Instance.IsCompound(frame.Host);
}
