using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The operations of the administrator's queue (NVMe 1.4, figure 139).</summary>
internal enum NvmeAdminOpcode : byte
{
    DeleteSubmissionQueue = 0x00,
    CreateSubmissionQueue = 0x01,
    GetLogPage = 0x02,
    DeleteCompletionQueue = 0x04,
    CreateCompletionQueue = 0x05,
    Identify = 0x06,
    Abort = 0x08,
    SetFeatures = 0x09,
    GetFeatures = 0x0A,
    EventRequest = 0x0C,
    Format = 0x80,
}

/// <summary>The operations of an I/O queue (figure 346).</summary>
internal enum NvmeIoOpcode : byte
{
    Flush = 0x00,
    Write = 0x01,
    Read = 0x02,
    Compare = 0x05,
    WriteZeroes = 0x08,
    DatasetManagement = 0x09,
}

/// <summary>A command as it lies in a submission queue (figure 104).</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct NvmeCommand
{
    internal const int Bytes = 64;
    internal const uint EveryNamespace = uint.MaxValue;

    internal readonly byte Opcode;
    internal readonly byte Flags;
    internal readonly ushort Id;
    internal readonly uint Namespace;
    internal readonly uint Word2;
    internal readonly uint Word3;
    internal readonly ulong Metadata;

    /// <summary>Two PRP entries, or the first SGL descriptor.</summary>
    internal readonly ulong Pointer1;
    internal readonly ulong Pointer2;
    internal readonly uint Word10;
    internal readonly uint Word11;
    internal readonly uint Word12;
    internal readonly uint Word13;
    internal readonly uint Word14;
    internal readonly uint Word15;

    internal bool IsFused => (Flags & 3) != 0;

    /// <summary>How the data pointer is to be read: 0 PRP, 1 and 2 SGL.</summary>
    internal int PointerKind => Flags >> 6;

    /// <summary>The first block of an I/O command.</summary>
    internal ulong FirstBlock => Word10 | ((ulong)Word11 << 32);

    /// <summary>The blocks of an I/O command.</summary>
    internal uint Blocks => (Word12 & 0xFFFF) + 1;

    internal bool ForcesUnitAccess => (Word12 & (1u << 30)) != 0;
}
