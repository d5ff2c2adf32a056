namespace FastIova;

/// <summary>The operations on mock dma-bufs, which are found by their file descriptors.</summary>
internal static class DmaBufOrders
{
    /// <summary>Makes a dma-buf; its descriptor is the answer of the call.</summary>
    internal static Errno Create(in IoctlCall call, in TestDmabufGet order)
    {
        ulong length = ((ulong)order.Length + (Frame.PageBytes - 1)) & ~(Frame.PageBytes - 1);
        if (length is 0 or > MockDmaBuf.LengthMost)
        {
            return Errno.Invalid;
        }

        // One point for the object, one for its memory, one for what the system keeps of it.
        if (FaultPoint.Fails() || FaultPoint.Fails() || FaultPoint.Fails() || MockDmaBuf.TryCreate(length) is not { } buffer)
        {
            return Errno.OutOfMemory;
        }

        var file = new DmaBufFile(buffer);
        int fd = call.Caller.Install(file);
        if (fd < 0)
        {
            file.Close();
            return (Errno)(-fd);
        }

        call.Answer = fd;
        return Errno.Success;
    }

    /// <summary>Takes the memory of a dma-buf away, or lets it be attached again.</summary>
    internal static Errno Revoke(in IoctlCall call, in TestDmabufRevoke order)
    {
        if (!call.Caller.TryResolve(order.DmabufFd, out OpenFile? file))
        {
            Errno errno = call.Caller.TakeDescriptor(order.DmabufFd, out Descriptor? foreign);
            foreign?.Dispose();
            return errno == Errno.Success ? Errno.Invalid : errno;
        }

        if (file is not DmaBufFile dmaBuf)
        {
            return Errno.Invalid;
        }

        if (dmaBuf.Buffer is not MockDmaBuf)
        {
            return Errno.NotSupported;
        }

        dmaBuf.Buffer.Revoke(order.Revoked != 0);
        return Errno.Success;
    }
}
