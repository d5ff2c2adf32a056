using System.Numerics;

namespace FastIova;

/// <content>Devices of this process, and their page tables.</content>
public sealed partial class IommufdContext
{
    /// <summary>Binds a device of this process: from here on the context decides where its port goes.</summary>
    /// <param name="port">The port, attached to nothing, of the engine's <see cref="Engine.Iommu"/>.</param>
    /// <param name="options">What the IOMMU before it is like, or null for the defaults.</param>
    /// <returns>The device; dispose it to unbind it.</returns>
    /// <exception cref="ArgumentException">The port belongs to another IOMMU.</exception>
    public IommufdDevice Bind(DmaPort port, DeviceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(port);
        if (port.Iommu != Engine.Iommu)
        {
            throw new ArgumentException("The port belongs to another Iommu: open it at Engine.Iommu.", nameof(port));
        }

        var hardware = new PortDevice(Engine, port, options ?? new DeviceOptions());
        Errno errno = DeviceObject.Bind(this, hardware, keepsContext: true, out DeviceObject? device);
        return errno == Errno.Success ? new IommufdDevice(hardware, device!) : throw new IommufdException("Bind", errno);
    }

    /// <summary>Binds a device before which no IOMMU stands (noiommu, Linux 7.3): attaching it pins what an ioas maps, and <see cref="PhysicalAt"/> says where that lies.</summary>
    /// <returns>The device; dispose it to unbind it.</returns>
    /// <exception cref="IommufdException">ENOMEM.</exception>
    public IommufdDevice BindWithoutIommu()
    {
        var hardware = new NoIommuDevice(Engine);
        Errno errno = DeviceObject.Bind(this, hardware, keepsContext: true, out DeviceObject? device);
        return errno == Errno.Success ? new IommufdDevice(hardware, device!) : throw new IommufdException("BindWithoutIommu", errno);
    }

    /// <summary>Where an iova lies in memory, for a device without an IOMMU.</summary>
    /// <param name="ioas">An ioas that such a device was attached to first.</param>
    /// <param name="iova">The iova.</param>
    /// <param name="most">The most bytes that are asked about, at least one.</param>
    /// <param name="length">How many of them lie side by side there.</param>
    /// <returns>The address.</returns>
    /// <exception cref="IommufdException">ENOENT when nothing is mapped there, EOPNOTSUPP when the ioas belongs to devices with an IOMMU, EPERM without CAP_SYS_RAWIO.</exception>
    public ulong PhysicalAt(IoasId ioas, ulong iova, ulong most, out ulong length)
    {
        var command = new NoIommuGetPaCommand { IoasId = ioas.Number, Iova = iova, Length = most };
        Call(IommufdRequest.NoIommuGetPa, ref command);
        length = command.Length;
        return command.OutPhys;
    }

    /// <summary>Makes an hwpt on an ioas that devices like this one can be attached to.</summary>
    /// <param name="ioas">Whose mappings it has.</param>
    /// <param name="device">What it must fit.</param>
    /// <param name="tracksDirty">Whether the marking of written pages can be turned on.</param>
    /// <param name="forPasids">Whether it may be attached for a PASID, and beside others that are.</param>
    /// <returns>Its id.</returns>
    /// <exception cref="IommufdException">The error of HWPT_ALLOC.</exception>
    public HwptId AllocateHwpt(IoasId ioas, IommufdDevice device, bool tracksDirty = false, bool forPasids = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        var command = new HwptAllocCommand
        {
            Flags = (tracksDirty ? HwptAllocFlags.DirtyTracking : HwptAllocFlags.None) | (forPasids ? HwptAllocFlags.Pasid : HwptAllocFlags.None),
            DevId = device.Id,
            PtId = ioas.Number,
        };
        Call(IommufdRequest.HwptAlloc, ref command);
        return new HwptId(command.OutHwptId);
    }

    /// <summary>Turns the marking of written pages on, beginning with none, or off.</summary>
    /// <param name="hwpt">An hwpt that was made for it.</param>
    /// <param name="on">On or off.</param>
    /// <exception cref="IommufdException">ENOENT, or EOPNOTSUPP when it was not made for it.</exception>
    public void TrackDirty(HwptId hwpt, bool on)
    {
        var command = new HwptSetDirtyTrackingCommand { HwptId = hwpt.Number, Flags = on ? IommufdConstants.DirtyTrackingEnable : 0 };
        Call(IommufdRequest.HwptSetDirtyTracking, ref command);
    }

    /// <summary>Sets a bit for each page that was written; the others are left alone. Holes in the range are no error.</summary>
    /// <param name="hwpt">An hwpt that was made for it.</param>
    /// <param name="span">Multiples of the alignment of the ioas and of <paramref name="pageSize"/>.</param>
    /// <param name="pageSize">What one bit stands for, a power of two.</param>
    /// <param name="bitmap">Bit <c>n</c> of the sequence is the n-th page of the span.</param>
    /// <param name="clear">Whether the pages count as unwritten from here on.</param>
    /// <exception cref="ArgumentException">The bitmap is too short, or the size no power of two.</exception>
    /// <exception cref="IommufdException">ENOENT, EINVAL when the span is misaligned, EOPNOTSUPP when it was not made for it.</exception>
    public void ReadDirty(HwptId hwpt, IovaSpan span, ulong pageSize, Span<ulong> bitmap, bool clear = true)
    {
        if (!BitOperations.IsPow2(pageSize) || (UInt128)bitmap.Length * 64 * pageSize < span.Length)
        {
            throw new ArgumentException($"{bitmap.Length} words of bits for pages of 0x{pageSize:x} bytes do not cover {span}: give a power of two, and a bit for each page.", nameof(bitmap));
        }

        PagingHwpt held = Hold<PagingHwpt>(hwpt.Number, IommufdRequest.HwptGetDirtyBitmap);
        try
        {
            ThrowUnless(held.Domain.HasDirtyTracking ? Errno.Success : Errno.NotSupported, IommufdRequest.HwptGetDirtyBitmap);
            ulong offset = (pageSize - 1) | (held.Ioas.Space.Alignment - 1);
            ThrowUnless(((span.First | (span.Last + 1)) & offset) == 0 && span.LengthLessOne != ulong.MaxValue ? Errno.Success : Errno.Invalid, IommufdRequest.HwptGetDirtyBitmap);
            int pageLg2 = BitOperations.Log2(pageSize);
            ulong[] bits = new ulong[bitmap.Length];
            held.Ioas.Space.ReadDirty(held.Domain.Table, span.First, span.LengthLessOne + 1, pageSize, clear, (iova, bytes) =>
            {
                ulong last = (Math.Min(iova + bytes - 1, span.Last) - span.First) >> pageLg2;
                for (ulong bit = (iova - span.First) >> pageLg2; bit <= last; bit++)
                {
                    bits[bit >> 6] |= 1UL << (int)(bit & 63);
                }
            });
            for (int i = 0; i < bits.Length; i++)
            {
                bitmap[i] |= bits[i];
            }
        }
        finally
        {
            held.LetGo();
        }
    }
}
