using System.Reflection;
using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.Uapi;

/// <summary>Sizes and offsets as a C compiler printed them for the headers on x86-64.</summary>
public sealed class LayoutTests
{
    private static readonly Dictionary<string, (int Bytes, string Offsets)> Layouts = new(StringComparer.Ordinal)
    {
        ["DestroyCommand"] = (8, "Size 0; Id 4"),
        ["IoasAllocCommand"] = (12, "Size 0; Flags 4; OutIoasId 8"),
        ["IovaRangeRecord"] = (16, "Start 0; Last 8"),
        ["IoasIovaRangesCommand"] = (32, "Size 0; IoasId 4; NumIovas 8; Reserved 12; AllowedIovas 16; OutIovaAlignment 24"),
        ["IoasAllowIovasCommand"] = (24, "Size 0; IoasId 4; NumIovas 8; Reserved 12; AllowedIovas 16"),
        ["IoasMapCommand"] = (40, "Size 0; Flags 4; IoasId 8; Reserved 12; UserVa 16; Length 24; Iova 32"),
        ["IoasCopyCommand"] = (40, "Size 0; Flags 4; DstIoasId 8; SrcIoasId 12; Length 16; DstIova 24; SrcIova 32"),
        ["IoasUnmapCommand"] = (24, "Size 0; IoasId 4; Iova 8; Length 16"),
        ["OptionCommand"] = (24, "Size 0; OptionId 4; Op 8; Reserved 10; ObjectId 12; Val64 16"),
        ["VfioIoasCommand"] = (12, "Size 0; IoasId 4; Op 8; Reserved 10"),
        ["HwptVtdS1"] = (24, "Flags 0; PgtblAddr 8; AddrWidth 16; Reserved 20"),
        ["HwptArmSmmuv3"] = (16, "Ste0 0; Ste1 8"),
        ["HwptAllocCommand"] = (48, "Size 0; Flags 4; DevId 8; PtId 12; OutHwptId 16; Reserved 20; DataType 24; DataLen 28; DataUptr 32; FaultId 40; Reserved2 44"),
        ["HwInfoVtd"] = (24, "Flags 0; Reserved 4; CapReg 8; EcapReg 16"),
        ["HwInfoArmSmmuv3"] = (40, "Flags 0; Reserved 4; Idr0 8; Idr5 28; Iidr 32; Aidr 36"),
        ["HwInfoCommand"] = (40, "Size 0; Flags 4; DevId 8; DataLen 12; DataUptr 16; DataType 24; OutMaxPasidLog2 28; Reserved0 29; Reserved2 31; OutCapabilities 32"),
        ["HwptSetDirtyTrackingCommand"] = (16, "Size 0; Flags 4; HwptId 8; Reserved 12"),
        ["HwptGetDirtyBitmapCommand"] = (48, "Size 0; HwptId 4; Flags 8; Reserved 12; Iova 16; Length 24; PageSize 32; Data 40"),
        ["HwptVtdS1Invalidate"] = (24, "Addr 0; NPages 8; Flags 16; Reserved 20"),
        ["HwptInvalidateCommand"] = (32, "Size 0; HwptId 4; DataUptr 8; DataType 16; EntryLen 20; EntryNum 24; Reserved 28"),
        ["PageFaultRecord"] = (40, "Flags 0; DevId 4; Pasid 8; GrpId 12; Perm 16; Reserved 20; Addr 24; Length 32; Cookie 36"),
        ["PageResponseRecord"] = (8, "Cookie 0; Code 4"),
        ["FaultAllocCommand"] = (16, "Size 0; Flags 4; OutFaultId 8; OutFaultFd 12"),
        ["TestCommand"] = (72, "Size 0; Op 4; Id 8; Reserved 12; AddReserved 16; MockDomain 16; MockDomainReplace 16; CheckMap 16; CheckRefs 16; CreateAccess 16; DestroyAccessPages 16; AccessPages 16; AccessRw 16; MemoryLimit 16; AccessReplaceIoas 16; Dirty 16; CheckIotlb 16; TriggerIopf 16; CheckDevCache 16; TriggerVevent 16; PasidAttach 16; PasidDetach 16; PasidCheck 16; DmabufGet 16; DmabufRevoke 16; Last 64"),
        ["IoasMapFileCommand"] = (40, "Size 0; Flags 4; IoasId 8; Fd 12; Start 16; Length 24; Iova 32"),
        ["ViommuAllocCommand"] = (40, "Size 0; Flags 4; Type 8; DevId 12; HwptId 16; OutViommuId 20; DataLen 24; Reserved 28; DataUptr 32"),
        ["VdeviceAllocCommand"] = (24, "Size 0; ViommuId 4; DevId 8; OutVdeviceId 12; VirtId 16"),
        ["IoasChangeProcessCommand"] = (8, "Size 0; Reserved 4"),
        ["VeventqAllocCommand"] = (32, "Size 0; Flags 4; ViommuId 8; Type 12; VeventqDepth 16; OutVeventqId 20; OutVeventqFd 24; Reserved 28"),
        ["VeventHeader"] = (8, "Flags 0; Sequence 4"),
        ["HwQueueAllocCommand"] = (40, "Size 0; Flags 4; ViommuId 8; Type 12; Index 16; OutHwQueueId 20; NestingParentIova 24; Length 32"),
        ["NoIommuGetPaCommand"] = (40, "Size 0; Flags 4; IoasId 8; Reserved 12; Iova 16; Length 24; OutPhys 32"),
        ["HwInfoAmd"] = (16, "Efr 0; Efr2 8"),
        ["HwInfoTegra241Cmdqv"] = (8, "Flags 0; Version 4; Log2Vcmdqs 5; Log2Vsids 6; Reserved 7"),
        ["TestCheckDevCache"] = (8, "Id 0; Cache 4"),
        ["TestTriggerVevent"] = (4, "DevId 0"),
        ["TestPasidAttach"] = (8, "Pasid 0; PtId 4"),
        ["TestPasidDetach"] = (4, "Pasid 0"),
        ["TestPasidCheck"] = (8, "Pasid 0; HwptId 4"),
        ["TestDmabufGet"] = (8, "Length 0; OpenFlags 4"),
        ["TestDmabufRevoke"] = (8, "DmabufFd 0; Revoked 4"),
        ["TestViommu"] = (24, "InData 0; OutData 4; OutMmapOffset 8; OutMmapLength 16"),
        ["TestViommuInvalidate"] = (12, "Flags 0; VdevId 4; CacheId 8"),
        ["TestVevent"] = (4, "VirtId 0"),
        ["VfioDeviceInfo"] = (24, "ArgSz 0; Flags 4; NumRegions 8; NumIrqs 12; CapOffset 16; Pad 20"),
        ["VfioRegionInfo"] = (32, "ArgSz 0; Flags 4; Index 8; CapOffset 12; Bytes 16; Offset 24"),
        ["VfioIrqInfo"] = (16, "ArgSz 0; Flags 4; Index 8; Count 12"),
        ["VfioIrqSet"] = (20, "ArgSz 0; Flags 4; Index 8; Start 12; Count 16"),
        ["VfioHotResetInfo"] = (12, "ArgSz 0; Flags 4; Count 8"),
        ["VfioHotReset"] = (12, "ArgSz 0; Flags 4; Count 8"),
        ["VfioDependentDevice"] = (8, "Id 0; Segment 4; Bus 6; Devfn 7"),
        ["VfioDeviceFeature"] = (8, "ArgSz 0; Flags 4"),
        ["VfioLowPowerWakeup"] = (8, "WakeupEventfd 0; Reserved 4"),
        ["VfioDmaBufExport"] = (16, "RegionIndex 0; OpenFlags 4; Flags 8; NrRanges 12"),
        ["VfioDmaRange"] = (16, "Offset 0; Length 8"),
        ["VfioIoEventfd"] = (32, "ArgSz 0; Flags 4; Offset 8; Data 16; Fd 24; Reserved 28"),
        ["VfioMigrationChange"] = (8, "DeviceState 0; DataFd 4"),
        ["VfioPrecopyInfo"] = (24, "ArgSz 0; Flags 4; InitialBytes 8; DirtyBytes 16"),
        ["VfioDmaLoggingControl"] = (24, "PageSize 0; NumRanges 8; Reserved 12; Ranges 16"),
        ["VfioDmaLoggingRange"] = (16, "Iova 0; Length 8"),
        ["VfioDmaLoggingReport"] = (32, "Iova 0; Length 8; PageSize 16; Bitmap 24"),
        ["VfioBindIommufd"] = (24, "ArgSz 0; Flags 4; Iommufd 8; OutDevId 12; TokenUuidPtr 16"),
        ["VfioAttachIommufdPt"] = (16, "ArgSz 0; Flags 4; PtId 8; Pasid 12"),
        ["VfioDetachIommufdPt"] = (12, "ArgSz 0; Flags 4; Pasid 8"),
        ["VfioGroupStatus"] = (8, "ArgSz 0; Flags 4"),
        ["TestAddReserved"] = (16, "Start 0; Length 8"),
        ["TestMockDomain"] = (16, "OutStdevId 0; OutHwptId 4; OutIdevId 8; DevFlags 12"),
        ["TestMockDomainReplace"] = (4, "PtId 0"),
        ["TestCheckMap"] = (24, "Iova 0; Length 8; Uptr 16"),
        ["TestCheckRefs"] = (24, "Length 0; Uptr 8; Refs 16"),
        ["TestCreateAccess"] = (8, "OutAccessFd 0; Flags 4"),
        ["TestDestroyAccessPages"] = (4, "AccessPagesId 0"),
        ["TestAccessPages"] = (32, "Flags 0; OutAccessPagesId 4; Iova 8; Length 16; Uptr 24"),
        ["TestAccessRw"] = (32, "Iova 0; Length 8; Uptr 16; Flags 24"),
        ["TestMemoryLimit"] = (4, "Limit 0"),
        ["TestAccessReplaceIoas"] = (4, "IoasId 0"),
        ["TestDirty"] = (48, "Flags 0; Iova 8; Length 16; PageSize 24; Uptr 32; OutNrDirty 40"),
        ["TestCheckIotlb"] = (8, "Id 0; Iotlb 4"),
        ["TestTriggerIopf"] = (24, "DevId 0; Pasid 4; GrpId 8; Perm 12; Addr 16"),
        ["TestHwInfo"] = (8, "Flags 0; TestReg 4"),
        ["TestNestedHwpt"] = (8, "Iotlb 0; PagetableType 4"),
        ["TestInvalidate"] = (8, "Flags 0; IotlbId 4"),
        ["VfioCapHeader"] = (8, "Id 0; Version 2; Next 4"),
        ["VfioType1Info"] = (24, "ArgSz 0; Flags 4; IovaPgSizes 8; CapOffset 16; Pad 20"),
        ["VfioIovaRange"] = (16, "Start 0; End 8"),
        ["VfioCapIovaRange"] = (16, "Header 0; NrIovas 8; Reserved 12"),
        ["VfioBitmap"] = (24, "PgSize 0; Bytes 8; Data 16"),
        ["VfioDirtyBitmap"] = (8, "ArgSz 0; Flags 4"),
        ["VfioDirtyBitmapGet"] = (40, "Iova 0; Bytes 8; Bitmap 16"),
        ["VfioCapMigration"] = (32, "Header 0; Flags 8; Padding 12; PgSizeBitmap 16; MaxDirtyBitmapSize 24"),
        ["VfioCapDmaAvail"] = (12, "Header 0; Avail 8"),
        ["VfioDmaMap"] = (32, "ArgSz 0; Flags 4; Vaddr 8; Iova 16; Bytes 24"),
        ["VfioDmaUnmap"] = (24, "ArgSz 0; Flags 4; Iova 8; Bytes 16"),
    };

    public static TheoryData<string> Names => new(Layouts.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void AStructLiesInMemoryAsTheHeaderHasIt(string name)
    {
        Type type = TypeNamed(name);
        (int bytes, string offsets) = Layouts[name];
        Assert.Equal(bytes, Marshal.SizeOf(type));
        foreach (string field in offsets.Split("; "))
        {
            string[] parts = field.Split(' ');
            Assert.Equal($"{parts[0]} {parts[1]}", $"{parts[0]} {Marshal.OffsetOf(type, parts[0])}");
        }
    }

    [Fact]
    public void EveryStructOfTheWireIsInTheTable()
    {
        IEnumerable<string> structs = UapiAssembly().GetTypes().Where(type => type is { IsValueType: true, IsEnum: false, Namespace: "FastIova" }).Select(type => type.Name);
        Assert.Empty(structs.Except(Layouts.Keys, StringComparer.Ordinal));
    }

    private static Assembly UapiAssembly() => typeof(Errno).Assembly;

    private static Type TypeNamed(string name) => UapiAssembly().GetType("FastIova." + name, throwOnError: true)!;
}
