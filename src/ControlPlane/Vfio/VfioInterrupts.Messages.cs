using System.Runtime.InteropServices;

namespace FastIova;

/// <content>MSI and MSI-X: an eventfd for each vector.</content>
internal sealed partial class VfioInterrupts
{
    private Errno TriggerMessages(Caller caller, in VfioIrqSet order, ReadOnlySpan<byte> data)
    {
        var kind = (VfioIrq)order.Index;
        if (_kind == kind && order.Count == 0 && Is(order, VfioDeviceConstants.SetDataNone))
        {
            Disable();
            return Errno.Success;
        }

        if (_kind is { } present && present != kind)
        {
            return Errno.Invalid;
        }

        if (Is(order, VfioDeviceConstants.SetDataEventfd))
        {
            return SetVectors(caller, kind, order, MemoryMarshal.Cast<byte, int>(data));
        }

        if (_kind is null)
        {
            return Errno.Invalid;
        }

        for (uint i = 0; i < order.Count; i++)
        {
            if (Is(order, VfioDeviceConstants.SetDataNone) || data[(int)i] != 0)
            {
                Message((int)(order.Start + i));
            }
        }

        return Errno.Success;
    }

    private Errno SetVectors(Caller caller, VfioIrq kind, in VfioIrqSet order, ReadOnlySpan<int> fds)
    {
        bool enables = _kind is null;
        if (enables && order.Start + order.Count == 0)
        {
            return Errno.Range;
        }

        if (enables && FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        if (enables)
        {
            // Vectors of MSI-X can come later; those of MSI are as many as are asked for now.
            _kind = kind;
            _vectors = new EventDescriptor?[kind == VfioIrq.Msix ? Count((uint)kind) : order.Start + order.Count];
            Enable(kind, _vectors.Length);
        }

        Errno errno = Errno.Success;
        int vector = (int)order.Start;
        for (int i = 0; i < fds.Length && errno == Errno.Success; i++, vector++)
        {
            errno = SetVector(caller, vector, fds[i]);
        }

        if (errno != Errno.Success)
        {
            for (int i = (int)order.Start; i < vector && i < _vectors.Length; i++)
            {
                Replace(ref _vectors[i], null);
            }

            if (enables)
            {
                Disable();
            }
        }

        return errno;
    }

    private Errno SetVector(Caller caller, int vector, int fd)
    {
        if (vector >= _vectors.Length)
        {
            return fd < 0 ? Errno.Success : Errno.Invalid;
        }

        Replace(ref _vectors[vector], null);
        if (fd < 0)
        {
            return Errno.Success;
        }

        Errno errno = Take(caller, fd, out EventDescriptor? taken);
        Replace(ref _vectors[vector], taken);
        return errno;
    }

    // The function calls this with its lock held; a vector that is replaced meanwhile is not signalled.
    private void Message(int vector)
    {
        EventDescriptor?[] vectors = _vectors;
        if ((uint)vector < (uint)vectors.Length)
        {
            Volatile.Read(ref vectors[vector])?.Signal();
        }
    }
}
