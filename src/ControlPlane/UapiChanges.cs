namespace FastIova;

/// <summary>The table of (change, first level that has it).</summary>
internal static class UapiChanges
{
    private static readonly Dictionary<UapiChange, UapiLevel> FirstLevels = new()
    {
        [UapiChange.HwInfoInputType] = UapiLevel.Linux612Backports,
        [UapiChange.MockPasids] = UapiLevel.Linux612Backports,
        [UapiChange.AtsNotSupported] = UapiLevel.Latest,
        [UapiChange.MapFile] = UapiLevel.Latest,
        [UapiChange.VirtualIommu] = UapiLevel.Latest,
        [UapiChange.ChangeProcess] = UapiLevel.Latest,
        [UapiChange.VirtualEvents] = UapiLevel.Latest,
        [UapiChange.HardwareQueues] = UapiLevel.Latest,
        [UapiChange.NoIommu] = UapiLevel.Latest,
        [UapiChange.PagingFaults] = UapiLevel.Latest,
        [UapiChange.PasidHwpts] = UapiLevel.Latest,
        [UapiChange.MockTableKinds] = UapiLevel.Latest,
        [UapiChange.InvalidateNeedsType] = UapiLevel.Latest,
        [UapiChange.UserWrapOverflows] = UapiLevel.Latest,
        [UapiChange.VfioMapNeedsPermission] = UapiLevel.Latest,
        [UapiChange.MockManyPageSizes] = UapiLevel.Latest,
        [UapiChange.CheckMapFindsFirst] = UapiLevel.Latest,
        [UapiChange.BindToken] = UapiLevel.Latest,
        [UapiChange.VfioPasids] = UapiLevel.Latest,
        [UapiChange.VfioErrorsEverywhere] = UapiLevel.Latest,
        [UapiChange.VfioDmaBuf] = UapiLevel.Latest,
        [UapiChange.Type1WrapOverflows] = UapiLevel.Latest,
        [UapiChange.Type1WithoutNesting] = UapiLevel.Latest,
        [UapiChange.VfioPrecopyInfo2] = UapiLevel.Latest,
        [UapiChange.LateTestOps] = UapiLevel.Latest,
    };

    /// <summary>Whether a level has a change.</summary>
    internal static bool Has(this UapiLevel level, UapiChange change) => level >= FirstLevels[change];
}
