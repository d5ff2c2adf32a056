namespace FastIova;

/// <content>A port of an IOMMU that is recorded.</content>
public sealed partial class DmaPort
{
    private readonly Dictionary<uint, RecordedDevice> _recorded = [];

    private RecordedTranslator? Recorded(IDmaRecorder recorder, uint pasid, Translator? loop)
    {
        if (!_recorded.TryGetValue(pasid, out RecordedDevice? device))
        {
            _recorded[pasid] = device = new RecordedDevice(Options.Name, Options.Device);
        }

        if (loop is null)
        {
            recorder.Detach(device);
            return null;
        }

        recorder.Attach(device, loop.SpaceId);
        return new RecordedTranslator(_context, loop, recorder, device);
    }
}
