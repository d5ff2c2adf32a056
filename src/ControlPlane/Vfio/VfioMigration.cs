using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The migration of one device: its state, and the file of its data (VFIO_DEVICE_FEATURE_MIG_*).</summary>
/// <remarks>
/// <para>Invariants. M1: the model is paused in every state but RUNNING and PRE_COPY. M2: there is a file in STOP_COPY, RESUMING and the two
/// states of PRE_COPY, and it is the only one that has not ended. M3: a step that fails leaves the state where it was.</para>
/// <para>Threads: any; changes come under the gate of the group. Teardown: <see cref="Reset"/>, which never fails.</para>
/// </remarks>
internal sealed class VfioMigration(VfioDevice device)
{
    /// <summary>What every device here can do that can be migrated at all.</summary>
    internal const ulong Flags = VfioDeviceConstants.MigrationStopCopy | VfioDeviceConstants.MigrationP2P | VfioDeviceConstants.MigrationPreCopy;

    private VfioMigrationFile? _file;
    private volatile VfioMigrationState _state = VfioMigrationState.Running;

    /// <summary>The state.</summary>
    internal VfioMigrationState State => _state;

    /// <summary>Whether there is something to copy before the device is stopped.</summary>
    internal bool IsPreCopying => _state is VfioMigrationState.PreCopy or VfioMigrationState.PreCopyP2P;

    /// <summary>Whether the driver has asked for flags in the answer about that.</summary>
    internal bool HasPrecopyFlags { get; set; }

    /// <summary>The bytes that there are to read in STOP_COPY, at most.</summary>
    internal ulong DataBytesLast => (ulong)(VfioMigrationFile.FrameBytes + device.Function.StateBytesLast);

    private bool IsPaused => _state is not (VfioMigrationState.Running or VfioMigrationState.PreCopy);

    /// <summary>Says the state, or changes it. Under the gate.</summary>
    /// <param name="caller">Who gets the descriptor of the data.</param>
    /// <param name="argument">The feature's head and the struct behind it.</param>
    /// <param name="isSet">Whether to change it.</param>
    internal Errno Run(Caller caller, in CallArgument argument, bool isSet)
    {
        ulong head = (ulong)Marshal.SizeOf<VfioDeviceFeature>();
        VfioMigrationChange change = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<VfioMigrationChange>(ref change));
        if (!argument.TryRead(head, bytes))
        {
            return Errno.BadAddress;
        }

        Errno errno = Errno.Success;
        VfioMigrationFile? made = null;
        if (isSet)
        {
            errno = GoTo((VfioMigrationState)change.DeviceState, out made);
        }
        else
        {
            change.DeviceState = (uint)_state;
        }

        change.DataFd = -1;
        if (made is not null)
        {
            change.DataFd = caller.Install(made);
            if (change.DataFd < 0)
            {
                made.Close();
                return (Errno)(-change.DataFd);
            }
        }

        if (argument.TryWrite(head, bytes))
        {
            return errno;
        }

        if (made is not null)
        {
            caller.Uninstall(change.DataFd);
            made.Close();
        }

        return Errno.BadAddress;
    }

    /// <summary>The device is about to be reset, or closed: it runs, and no data is left. Under the gate; the model is reset next.</summary>
    internal void Reset()
    {
        End();
        if (IsPaused)
        {
            device.Function.Continue();
        }

        _state = VfioMigrationState.Running;
    }

    private Errno GoTo(VfioMigrationState wanted, out VfioMigrationFile? made)
    {
        made = null;
        while (_state != wanted)
        {
            if (!VfioMigrationArcs.TryStep(_state, wanted, out VfioMigrationState next))
            {
                return Errno.Invalid;
            }

            Errno errno = Step(next, out made);
            if (errno != Errno.Success)
            {
                return errno;
            }

            _state = next;
        }

        return Errno.Success;
    }

    private Errno Step(VfioMigrationState next, out VfioMigrationFile? made)
    {
        made = null;
        switch (_state, next)
        {
            case (VfioMigrationState.Running, VfioMigrationState.RunningP2P):
            case (VfioMigrationState.PreCopy, VfioMigrationState.PreCopyP2P):
                return FaultPoint.Fails() ? Errno.OutOfMemory : Pause();

            case (VfioMigrationState.RunningP2P, VfioMigrationState.Running):
            case (VfioMigrationState.PreCopyP2P, VfioMigrationState.PreCopy):
                device.Function.Continue();
                return Errno.Success;

            case (VfioMigrationState.Running, VfioMigrationState.PreCopy):
            case (VfioMigrationState.RunningP2P, VfioMigrationState.PreCopyP2P):
            case (VfioMigrationState.Stop, VfioMigrationState.Resuming):
                return Begin(next != VfioMigrationState.Resuming, out made);

            case (VfioMigrationState.Stop, VfioMigrationState.StopCopy):
                Errno errno = Begin(saves: true, out made);
                if (errno == Errno.Success)
                {
                    _file!.Complete(device.Function.SaveState());
                }

                return errno;

            case (VfioMigrationState.PreCopyP2P, VfioMigrationState.StopCopy):
                if (FaultPoint.Fails())
                {
                    return Errno.OutOfMemory;
                }

                _file!.Complete(device.Function.SaveState());
                return Errno.Success;

            case (VfioMigrationState.Resuming, VfioMigrationState.Stop):
                return Load();

            default:
                End();
                return Errno.Success;
        }
    }

    private Errno Pause()
    {
        device.Function.Pause();
        return Errno.Success;
    }

    private Errno Begin(bool saves, out VfioMigrationFile? made)
    {
        made = null;
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        made = _file = new VfioMigrationFile(this, device.Function.Layout, device.Function.StateBytesLast, saves);
        return Errno.Success;
    }

    private Errno Load()
    {
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        if (!_file!.TryTake(out byte[] state) || !device.Function.TryLoadState(state))
        {
            return Errno.Invalid;
        }

        End();
        return Errno.Success;
    }

    private void End()
    {
        _file?.End();
        _file = null;
    }
}
