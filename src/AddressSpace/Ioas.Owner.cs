namespace FastIova;

/// <content>Whose memory an area is.</content>
internal sealed partial class Ioas
{
    /// <summary>Tells a new address of the memory of an area, and who pays for it from here on. What is pinned and mapped stays as it is.</summary>
    /// <param name="iova">An iova of the area, which is of a process's memory, and whose pages no other area shares.</param>
    /// <param name="owner">Whose address it is.</param>
    /// <param name="userAddress">Where the area begins in it, as many bytes into a page as before.</param>
    /// <returns><see cref="IoasStatus.OutOfMemory"/> when that would pass a limit.</returns>
    internal IoasStatus Readdress(ulong iova, PinOwner owner, ulong userAddress)
    {
        _lock.Enter();
        IoasStatus status = _areas.FirstIn(iova, iova) is not { IsLive: true } area ? IoasStatus.NotFound
            : area.Pages.TryReaddress(owner, userAddress - area.PageOffset) ? IoasStatus.Success
            : IoasStatus.OutOfMemory;
        _lock.Exit();
        return status;
    }
}
