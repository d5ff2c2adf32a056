using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The calls of a VFIO type 1 container, as an iommufd answers them: they act on the ioas that VFIO_IOAS names.</summary>
internal static partial class VfioContainer
{
    /// <summary>Runs a request that is none of iommufd's.</summary>
    /// <returns>Zero or more, or a negative errno.</returns>
    internal static long Run(IommufdContext context, Caller caller, uint request, in CallArgument argument) => (VfioRequest)request switch
    {
        VfioRequest.GetApiVersion => VfioConstants.ApiVersion,
        VfioRequest.CheckExtension => CheckExtension(context, (VfioExtension)argument.Value),
        VfioRequest.SetIommu => -(long)SetIommu(context, caller, (VfioExtension)argument.Value),
        VfioRequest.IommuGetInfo => -(long)GetInfo(context, argument),
        VfioRequest.IommuMapDma => -(long)MapDma(context, caller, argument),
        VfioRequest.IommuUnmapDma => -(long)UnmapDma(context, argument),
        _ => -(long)Errno.NotATypewriter,
    };

    /// <summary>Makes the ioas of the container, unless there is one.</summary>
    internal static Errno EnsureIoas(IommufdContext context)
    {
        if (context.Objects.HoldVfioIoas() is { } present)
        {
            present.LetGo();
            return Errno.Success;
        }

        Errno errno = IoasObject.Create(context, out IoasObject? ioas);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // Another call may have made one meanwhile: that is as good.
        if (context.Objects.TrySetVfioIoas(ioas!))
        {
            context.Objects.Publish(ioas!);
        }
        else
        {
            context.Objects.Abort(ioas!);
        }

        return Errno.Success;
    }

    /// <summary>Lets the calls of the container be those of one without an IOMMU.</summary>
    /// <returns><see cref="Errno.Invalid"/> when it has an ioas, which translates.</returns>
    internal static Errno BecomeNoIommu(IommufdContext context)
    {
        if (HasIoas(context))
        {
            return Errno.Invalid;
        }

        context.IsNoIommu = true;
        return Errno.Success;
    }

    /// <summary>Whether the container has an ioas.</summary>
    internal static bool HasIoas(IommufdContext context)
    {
        if (context.Objects.HoldVfioIoas() is not { } present)
        {
            return false;
        }

        present.LetGo();
        return true;
    }

    private static long CheckExtension(IommufdContext context, VfioExtension extension) => extension switch
    {
        VfioExtension.Type1 or VfioExtension.Type1V2 or VfioExtension.UnmapAll => context.IsNoIommu ? 0 : 1,
        VfioExtension.NoIommu => 1,
        VfioExtension.DmaCc => AllEnforceCoherency(context),
        _ => 0,
    };

    private static long AllEnforceCoherency(IommufdContext context)
    {
        if (context.Objects.HoldVfioIoas() is not { } ioas)
        {
            return -(long)Errno.NoDevice;
        }

        try
        {
            using (ioas.HwptLock.Enter())
            {
                return ioas.Hwpts.TrueForAll(hwpt => hwpt.EnforcesCoherency) ? 1 : 0;
            }
        }
        finally
        {
            ioas.LetGo();
        }
    }

    private static Errno SetIommu(IommufdContext context, Caller caller, VfioExtension type)
    {
        if (type == VfioExtension.NoIommu && context.IsNoIommu)
        {
            return caller.Has(Capability.SysRawIo) ? Errno.Success : Errno.NotPermitted;
        }

        if (type is not (VfioExtension.Type1 or VfioExtension.Type1V2) || context.IsNoIommu)
        {
            return Errno.Invalid;
        }

        if (context.Objects.HoldVfioIoas() is not { } ioas)
        {
            return Errno.NoDevice;
        }

        try
        {
            // Version 1 may unmap parts of what was mapped, which a large page does not allow; version 2 may not.
            return type == VfioExtension.Type1 ? ioas.Space.DisableLargePages().ToErrno() : Errno.Success;
        }
        finally
        {
            ioas.LetGo();
        }
    }

    private static Errno MapDma(IommufdContext context, Caller caller, in CallArgument argument)
    {
        VfioDmaMap map = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<VfioDmaMap>(ref map));
        if (!argument.TryRead(0, bytes))
        {
            return Errno.BadAddress;
        }

        if (map.ArgSz < (uint)bytes.Length || (map.Flags & ~(VfioConstants.MapRead | VfioConstants.MapWrite)) != 0)
        {
            return Errno.Invalid;
        }

        if (context.Objects.HoldVfioIoas() is not { } ioas)
        {
            return Errno.NoDevice;
        }

        try
        {
            Permission permission = ((map.Flags & VfioConstants.MapRead) != 0 ? Permission.Read : Permission.None)
                | ((map.Flags & VfioConstants.MapWrite) != 0 ? Permission.Write : Permission.None);
            ulong iova = map.Iova;
            return ioas.Map(caller, map.Vaddr, map.Bytes, ref iova, permission, fixedIova: true);
        }
        finally
        {
            ioas.LetGo();
        }
    }

    private static Errno UnmapDma(IommufdContext context, in CallArgument argument)
    {
        VfioDmaUnmap unmap = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<VfioDmaUnmap>(ref unmap));
        if (!argument.TryRead(0, bytes))
        {
            return Errno.BadAddress;
        }

        if (unmap.ArgSz < (uint)bytes.Length || (unmap.Flags & ~VfioConstants.UnmapAll) != 0)
        {
            return Errno.Invalid;
        }

        if (context.Objects.HoldVfioIoas() is not { } ioas)
        {
            return Errno.NoDevice;
        }

        try
        {
            if ((unmap.Flags & VfioConstants.UnmapAll) != 0 && (unmap.Iova | unmap.Bytes) != 0)
            {
                return Errno.Invalid;
            }

            Errno errno = Unmap(ioas.Space, unmap, out ulong unmapped, out bool isTold);
            unmap.Bytes = unmapped;
            return !isTold || argument.TryWrite(0, bytes) ? errno : Errno.BadAddress;
        }
        finally
        {
            ioas.LetGo();
        }
    }

    // How much was unmapped is told also after a failure, unless the range could not even be cut out.
    private static Errno Unmap(Ioas space, in VfioDmaUnmap unmap, out ulong unmapped, out bool isTold)
    {
        unmapped = 0;
        isTold = true;
        if ((unmap.Flags & VfioConstants.UnmapAll) != 0)
        {
            return space.UnmapAll(out unmapped).ToErrno();
        }

        if (space.IsLargePagesDisabled)
        {
            // Areas that reach across an end are split there; address zero is an end already.
            ReadOnlySpan<ulong> cuts = [unmap.Iova + unmap.Bytes - 1, unmap.Iova - 1];
            Errno errno = space.Cut(unmap.Iova != 0 ? cuts : cuts[..1]).ToErrno();
            if (errno != Errno.Success)
            {
                isTold = false;
                return errno;
            }
        }

        return space.Unmap(unmap.Iova, unmap.Bytes, out unmapped).ToErrno();
    }
}
