namespace FastIova;

/// <content>A log of what the device writes, of its own: for drivers that ask the device instead of the IOMMU.</content>
public sealed partial class DmaPort
{
    private DmaWriteLog? _log;

    /// <summary>Logs what is written from here on, or no longer. When this returns every access goes by the log, or none.</summary>
    /// <param name="log">The log, or null for none.</param>
    internal void LogWrites(DmaWriteLog? log)
    {
        lock (_attachLock)
        {
            _log = log;
            foreach ((uint pasid, (_, Domain domain)) in _attachments.ToArray())
            {
                Announce(pasid, domain, out (Translator Loop, Domain Domain) old);
                Conclude(old);
            }
        }
    }

    /// <summary>Waits until every access that goes on now has ended.</summary>
    internal void WaitForAccesses() => _iommu.Epoch.WaitForReaders(_iommu.Epoch.Publish(Invalidation.Nothing));
}
