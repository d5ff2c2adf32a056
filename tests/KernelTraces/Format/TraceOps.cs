using System.Collections.Frozen;
using static FastIova.KernelTraces.FieldKind;
using static FastIova.KernelTraces.FieldUse;

namespace FastIova.KernelTraces;

/// <summary>The operations that traces consist of. A newer surface adds rows; see <c>shared/oracle/README.md</c> for the format.</summary>
internal static class TraceOps
{
    internal const uint AccessFiles = 0x10000;
    internal const uint FaultFiles = 0x20000;
    internal const uint PreparedFiles = 0x40000;
    internal const uint DmaBufs = 0x50000;
    internal const uint EventFiles = 0x60000;
    internal const uint Mappings = 0x70000;

    // Requests of iommufd and VFIO have no size and no direction: the type byte and a number.
    private const uint Type = 0x3b00;
    private const uint TestRequest = Type | 0xa0;
    private const int TestBytes = 72;

    private static readonly TraceField TestId = new("id", 8, 4, Id, In);
    private static readonly TraceField TestFile = new("id", 8, 4, FieldKind.File, In);
    private static readonly TraceField TestReserved = new("rsv", 12, 4, Number, In);
    private static readonly TraceField TestLast = new("last", 64, 4, Number, In);

    private static readonly TraceField[] CalledFile = [new("fd", 0, 4, FieldKind.File, In)];
    private static readonly TraceField[] CalledFileAndCount = [new("fd", 0, 4, FieldKind.File, In), new("count", 0, 4, Number, In)];

    internal static FrozenDictionary<string, TraceOp> ByName { get; } =
        Iommufd().Concat(Test()).Concat(Vfio()).Concat(Calls()).ToFrozenDictionary(op => op.Name, StringComparer.Ordinal);

    private static IEnumerable<TraceOp> Iommufd() =>
    [
        Ioctl("DESTROY", 0x80, 8, U32("id", 4, Id)),
        Ioctl("IOAS_ALLOC", 0x81, 12, U32("flags", 4), U32("out_ioas_id", 8, Id, Out)),
        Ioctl("IOAS_ALLOW_IOVAS", 0x82, 24, U32("ioas_id", 4, Id), U32("num_iovas", 8), U32("rsv", 12), U64("allowed_iovas", 16)),
        Ioctl(
            "IOAS_COPY", 0x83, 40,
            U32("flags", 4), U32("dst_ioas_id", 8, Id), U32("src_ioas_id", 12, Id), U64("length", 16), U64("dst_iova", 24, Iova, InOut), U64("src_iova", 32, Iova)),
        Ioctl(
            "IOAS_IOVA_RANGES", 0x84, 32,
            U32("ioas_id", 4, Id), U32("num_iovas", 8, Number, InOut), U32("rsv", 12), U64("allowed_iovas", 16), U64("out_iova_alignment", 24, Number, Out))
            with { Payload = Payloads.Ranges },
        Ioctl(
            "IOAS_MAP", 0x85, 40,
            U32("flags", 4), U32("ioas_id", 8, Id), U32("rsv", 12), U64("user_va", 16), U64("length", 24), U64("iova", 32, Iova, InOut)),
        Ioctl("IOAS_UNMAP", 0x86, 24, U32("ioas_id", 4, Id), U64("iova", 8, Iova), U64("length", 16, Number, InOut)),
        Ioctl(
            "OPTION", 0x87, 24,
            U32("option_id", 4), U16("op", 8), U16("rsv", 10), U32("object_id", 12, Id), U64("val64", 16, Number, InOut)),
        Ioctl("VFIO_IOAS", 0x88, 12, U32("ioas_id", 4, Id, InOut), U16("op", 8), U16("rsv", 10)),
        Ioctl(
            "HWPT_ALLOC", 0x89, 48,
            U32("flags", 4), U32("dev_id", 8, Id), U32("pt_id", 12, Id), U32("out_hwpt_id", 16, Id, Out), U32("rsv", 20), U32("data_type", 24), U32("data_len", 28),
            U64("data_uptr", 32), U32("fault_id", 40, Id), U32("rsv2", 44)),
        Ioctl(
            "GET_HW_INFO", 0x8a, 40,
            U32("flags", 4), U32("dev_id", 8, Id), U32("data_len", 12, Number, InOut), U64("data_uptr", 16), U32("out_data_type", 24, Number, Out),
            U8("out_max_pasid_log2", 28, Number, Out), U8("rsv", 29), U16("rsv2", 30), U32("in_data_type", 24, Number, In | Unwritten),
            U64("out_capabilities", 32, Number, Out))
            with { Payload = Payloads.HardwareInfo },
        Ioctl("HWPT_SET_DIRTY_TRACKING", 0x8b, 16, U32("flags", 4), U32("hwpt_id", 8, Id), U32("rsv", 12)),
        Ioctl(
            "HWPT_GET_DIRTY_BITMAP", 0x8c, 48,
            U32("hwpt_id", 4, Id), U32("flags", 8), U32("rsv", 12), U64("iova", 16, Iova), U64("length", 24), U64("page_size", 32), U64("data", 40))
            with { Payload = Payloads.DirtyBitmap },
        Ioctl(
            "HWPT_INVALIDATE", 0x8d, 32,
            U32("hwpt_id", 4, Id), U64("data_uptr", 8), U32("data_type", 16), U32("entry_len", 20), U32("entry_num", 24, Number, InOut), U32("rsv", 28)),
        Ioctl("FAULT_QUEUE_ALLOC", 0x8e, 16, U32("flags", 4), U32("out_fault_id", 8, Id, Out), U32("out_fault_fd", 12, FieldKind.File, Out))
            with { LogicalFiles = FaultFiles },
        Ioctl(
            "IOAS_MAP_FILE", 0x8f, 40,
            U32("flags", 4), U32("ioas_id", 8, Id), U32("fd", 12, FieldKind.File), U64("start", 16), U64("length", 24), U64("iova", 32, Iova, InOut)),
        Ioctl(
            "VIOMMU_ALLOC", 0x90, 40,
            U32("flags", 4), U32("type", 8), U32("dev_id", 12, Id), U32("hwpt_id", 16, Id), U32("out_viommu_id", 20, Id, Out), U32("data_len", 24), U32("rsv", 28),
            U64("data_uptr", 32))
            with { Payload = Payloads.VirtualIommu },
        Ioctl("VDEVICE_ALLOC", 0x91, 24, U32("viommu_id", 4, Id), U32("dev_id", 8, Id), U32("out_vdevice_id", 12, Id, Out), U64("virt_id", 16)),
        Ioctl("IOAS_CHANGE_PROCESS", 0x92, 8, U32("rsv", 4)),
        Ioctl(
            "VEVENTQ_ALLOC", 0x93, 32,
            U32("flags", 4), U32("viommu_id", 8, Id), U32("type", 12), U32("veventq_depth", 16), U32("out_veventq_id", 20, Id, Out),
            U32("out_veventq_fd", 24, FieldKind.File, Out), U32("rsv", 28))
            with { LogicalFiles = EventFiles },
        Ioctl(
            "HW_QUEUE_ALLOC", 0x94, 40,
            U32("flags", 4), U32("viommu_id", 8, Id), U32("type", 12), U32("index", 16), U32("out_hw_queue_id", 20, Id, Out),
            U64("nesting_parent_iova", 24, Iova), U64("length", 32)),
        Ioctl(
            "IOAS_NOIOMMU_GET_PA", 0x95, 40,
            U32("flags", 4), U32("ioas_id", 8, Id), U32("rsv", 12), U64("iova", 16, Iova), U64("length", 24, WithinPage, InOut), U64("out_phys", 32, Physical, Out)),
    ];

    private static IEnumerable<TraceOp> Test() =>
    [
        TestOp("T_BAD_OP", 0, U32("top", 4), TestId, TestReserved),
        TestOp("T_ADD_RESERVED", 1, TestId, TestReserved, U64("start", 16, Iova), U64("length", 24)),
        TestOp("T_MOCK_DOMAIN", 2, TestId, TestReserved, U32("out_stdev_id", 16, Id, Out), U32("out_hwpt_id", 20, Id, Out), U32("out_idev_id", 24, Id, Out)),
        TestOp("T_MD_CHECK_MAP", 3, TestId, TestReserved, U64("iova", 16, Iova), U64("length", 24), U64("uptr", 32)),
        TestOp("T_MD_CHECK_REFS", 4, TestId, TestReserved, U64("length", 16), U64("uptr", 24), U32("refs", 32)),
        TestOp("T_CREATE_ACCESS", 5, TestId, TestReserved, U32("out_access_fd", 16, FieldKind.File, Out), U32("flags", 20)) with { LogicalFiles = AccessFiles },
        TestOp("T_DESTROY_ACCESS_PAGES", 6, TestFile, TestReserved, U32("access_pages_id", 16)),
        TestOp(
            "T_ACCESS_PAGES", 7,
            TestFile, TestReserved, U32("flags", 16), U32("out_access_pages_id", 20, Number, Out), U64("iova", 24, Iova), U64("length", 32), U64("uptr", 40)),
        TestOp("T_ACCESS_RW", 8, TestFile, TestReserved, U64("iova", 16, Iova), U64("length", 24), U64("uptr", 32), U32("flags", 40))
            with { Payload = Payloads.AccessRead },
        TestOp("T_SET_TEMP_MEMORY_LIMIT", 9, TestId, TestReserved, U32("limit", 16)),
        TestOp("T_MOCK_DOMAIN_REPLACE", 10, TestId, TestReserved, U32("pt_id", 16, Id, InOut)),
        TestOp("T_ACCESS_REPLACE_IOAS", 11, TestFile, TestReserved, U32("ioas_id", 16, Id)),
        TestOp(
            "T_MOCK_DOMAIN_FLAGS", 12,
            TestId, TestReserved, U32("out_stdev_id", 16, Id, Out), U32("out_hwpt_id", 20, Id, Out), U32("out_idev_id", 24, Id, Out), U32("dev_flags", 28)),
        TestOp(
            "T_DIRTY", 13,
            TestId, TestReserved, U32("flags", 16), U64("iova", 24, Iova), U64("length", 32), U64("page_size", 40), U64("uptr", 48),
            U64("out_nr_dirty", 56, Number, Out)),
        TestOp("T_MD_CHECK_IOTLB", 14, TestId, TestReserved, U32("iotlb_id", 16), U32("iotlb", 20)),
        TestOp(
            "T_TRIGGER_IOPF", 15,
            TestId, TestReserved, U32("dev_id", 16, Id), U32("pasid", 20), U32("grpid", 24), U32("perm", 28), U64("addr", 32)),
        TestOp("T_DEV_CHECK_CACHE", 16, TestId, TestReserved, U32("cache_id", 16), U32("cache", 20)),
        TestOp("T_TRIGGER_VEVENT", 17, TestId, TestReserved, U32("dev_id", 16, Id)),
        TestOp("T_PASID_ATTACH", 18, TestId, TestReserved, U32("pasid", 16), U32("pt_id", 20, Id, InOut)),
        TestOp("T_PASID_REPLACE", 19, TestId, TestReserved, U32("pasid", 16), U32("pt_id", 20, Id, InOut)),
        TestOp("T_PASID_DETACH", 20, TestId, TestReserved, U32("pasid", 16)),
        TestOp("T_PASID_CHECK_HWPT", 21, TestId, TestReserved, U32("pasid", 16), U32("hwpt_id", 20, Id)),
        TestOp("T_DMABUF_GET", 22, TestId, TestReserved, U32("length", 16), U32("open_flags", 20)) with { LogicalFiles = DmaBufs, ReturnsFile = true },
        TestOp("T_DMABUF_REVOKE", 23, TestId, TestReserved, U32("dmabuf_fd", 16, FieldKind.File), U32("revoked", 20)),
    ];

    private static IEnumerable<TraceOp> Vfio() =>
    [
        new("VFIO_GET_API_VERSION", CallKind.IoctlNumber, Type | 100, 0, 0, [U64("arg", 0)]),
        new("VFIO_CHECK_EXTENSION", CallKind.IoctlNumber, Type | 101, 0, 0, [U64("arg", 0)]),
        new("VFIO_SET_IOMMU", CallKind.IoctlNumber, Type | 102, 0, 0, [U64("arg", 0)]),
        Ioctl(
            "VFIO_IOMMU_GET_INFO", 112, 24,
            U32("flags", 4, Number, InOut), U64("iova_pgsizes", 8, Number, InOut), U32("cap_offset", 16, Number, InOut), U32("pad", 20))
            with { Payload = Payloads.VfioInfo },
        Ioctl("VFIO_IOMMU_MAP_DMA", 113, 32, U32("flags", 4), U64("vaddr", 8), U64("iova", 16, Iova), U64("length", 24)),
        Ioctl("VFIO_IOMMU_UNMAP_DMA", 114, 24, U32("flags", 4), U64("iova", 8, Iova), U64("length", 16, Number, InOut)),
        Ioctl("VFIO_IOMMU_DIRTY_PAGES", 117, 8, U32("flags", 4)),
    ];

    private static IEnumerable<TraceOp> Calls() =>
    [
        new("RAW_IOCTL", CallKind.IoctlAny, 0, 72, 0, [U32("cmd", 0)]),
        new("ACCESS_CLOSE", CallKind.Close, 0, 0, 0, CalledFile),
        new("FAULT_CLOSE", CallKind.Close, 0, 0, 0, CalledFile),
        new("FAULT_READ", CallKind.Read, 0, 0, 0, CalledFileAndCount),
        new("FAULT_WRITE", CallKind.Write, 0, 0, 0, CalledFileAndCount),
        new("FAULT_POLL", CallKind.Poll, 0, 0, 0, CalledFile),
        new("VEVENT_READ", CallKind.Read, 0, 0, 0, CalledFileAndCount),
        new("VEVENT_WRITE", CallKind.Write, 0, 0, 0, CalledFileAndCount),
        new("VEVENT_POLL", CallKind.Poll, 0, 0, 0, CalledFile),
        new("VEVENT_CLOSE", CallKind.Close, 0, 0, 0, CalledFile),
        new("DMABUF_CLOSE", CallKind.Close, 0, 0, 0, CalledFile),
        new("MMAP", CallKind.Map, 0, 0, 0, [U64("offset", 0), U64("length", 0), U32("prot", 0), U32("mflags", 0)]) { LogicalFiles = Mappings },
        new("MUNMAP", CallKind.Unmap, 0, 0, 0, [new("map", 0, 4, FieldKind.File, In)]),
        new("ARENA_HASH", CallKind.Hash, 0, 0, 0, [U64("uptr", 0), U64("length", 0)]),
    ];

    private static TraceOp Ioctl(string name, uint number, int bytes, params TraceField[] fields) =>
        new(name, CallKind.Ioctl, Type | number, bytes, 0, fields);

    private static TraceOp TestOp(string name, uint op, params TraceField[] fields) =>
        new(name, CallKind.Ioctl, TestRequest, TestBytes, op, [.. fields, TestLast]);

    private static TraceField U8(string name, int offset, FieldKind kind = Number, FieldUse use = In) => new(name, offset, 1, kind, use);

    private static TraceField U16(string name, int offset, FieldKind kind = Number, FieldUse use = In) => new(name, offset, 2, kind, use);

    private static TraceField U32(string name, int offset, FieldKind kind = Number, FieldUse use = In) => new(name, offset, 4, kind, use);

    private static TraceField U64(string name, int offset, FieldKind kind = Number, FieldUse use = In) => new(name, offset, 8, kind, use);
}
