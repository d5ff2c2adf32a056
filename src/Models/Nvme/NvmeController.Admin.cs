namespace FastIova;

/// <content>The commands of the administrator: queues, features, events, format.</content>
internal sealed partial class NvmeController
{
    private readonly NvmeFeatures _features;
    private readonly NvmeEvents _events = new();

    private bool HasIoQueues
    {
        get
        {
            bool any = false;
            for (int id = 1; id < _completions.Length; id++)
            {
                any |= _completions[id] is not null; // no submission queue without one
            }

            return any;
        }
    }

    private NvmeStatus Administer(in NvmeCommand command, out bool completes)
    {
        completes = true;

        // SGLs are not for the administrator on PCI Express (§4.4).
        if (command.IsFused || command.PointerKind != 0)
        {
            return NvmeStatus.InvalidField;
        }

        switch ((NvmeAdminOpcode)command.Opcode)
        {
            case NvmeAdminOpcode.DeleteSubmissionQueue:
                return DeleteSubmissions(command);
            case NvmeAdminOpcode.CreateSubmissionQueue:
                return CreateSubmissions(command);
            case NvmeAdminOpcode.DeleteCompletionQueue:
                return DeleteCompletions(command);
            case NvmeAdminOpcode.CreateCompletionQueue:
                return CreateCompletions(command);
            case NvmeAdminOpcode.Identify:
                return Identify(command);
            case NvmeAdminOpcode.GetLogPage:
                return GetLogPage(command);
            case NvmeAdminOpcode.GetFeatures:
                return _features.Get(command, out _result);
            case NvmeAdminOpcode.SetFeatures:
                return SetFeatures(command);
            case NvmeAdminOpcode.Abort:
                return Abort(command);
            case NvmeAdminOpcode.Format:
                return Format(command);
            case NvmeAdminOpcode.EventRequest:
                completes = !_events.TryKeep(command.Id);
                return completes ? NvmeStatus.TooManyEventRequests : NvmeStatus.Success;
            default:
                return NvmeStatus.InvalidOpcode;
        }
    }

    private NvmeStatus CreateCompletions(in NvmeCommand command)
    {
        int id = (ushort)command.Word10;
        int vector = (int)(command.Word11 >> 16);
        NvmeStatus status = CheckQueue(command, NvmeRegister.CompletionLg2(_configuration) == 4, id, _completions);
        if (status != NvmeStatus.Success)
        {
            return status;
        }

        if (vector > _ioQueues)
        {
            return NvmeStatus.InvalidInterruptVector;
        }

        bool interrupts = (command.Word11 & 2) != 0;
        Ring(id, completion: true);
        Volatile.Write(ref _completions[id], new NvmeCompletionQueue(id, command.Pointer1, SizeOf(command), interrupts, vector));
        return NvmeStatus.Success;
    }

    private NvmeStatus CreateSubmissions(in NvmeCommand command)
    {
        int id = (ushort)command.Word10;
        int completions = (int)(command.Word11 >> 16);
        NvmeStatus status = CheckQueue(command, NvmeRegister.SubmissionLg2(_configuration) == 6, id, _submissions);
        if (status != NvmeStatus.Success)
        {
            return status;
        }

        if (completions == 0 || completions >= _completions.Length || _completions[completions] is not { } queue)
        {
            return completions < _completions.Length ? NvmeStatus.CompletionQueueInvalid : NvmeStatus.InvalidQueueIdentifier;
        }

        Ring(id, completion: false);
        queue.Users++;
        _submissions[id] = new NvmeSubmissionQueue(id, command.Pointer1, SizeOf(command), queue);
        return NvmeStatus.Success;
    }

    private NvmeStatus CheckQueue<TQueue>(in NvmeCommand command, bool entryFits, int id, TQueue?[] queues)
        where TQueue : class
    {
        if (id == 0 || id >= queues.Length || queues[id] is not null)
        {
            return NvmeStatus.InvalidQueueIdentifier;
        }

        if (SizeOf(command) < 2 || SizeOf(command) > NvmeRegister.EntriesMost)
        {
            return NvmeStatus.InvalidQueueSize;
        }

        if ((command.Word11 & 1) == 0 || !entryFits)
        {
            return NvmeStatus.InvalidField; // queues in several pieces are not offered (CAP.CQR)
        }

        return (command.Pointer1 & ((1UL << _pageLg2) - 1)) == 0 ? NvmeStatus.Success : NvmeStatus.InvalidPrpOffset;
    }

    private static uint SizeOf(in NvmeCommand command) => (command.Word10 >> 16) + 1;

    // A doorbell begins at zero, whatever somebody wrote to it before its queue was there.
    private void Ring(int id, bool completion) => Volatile.Write(ref Memory[DoorbellOf(id, completion)], 0);

    private NvmeStatus DeleteSubmissions(in NvmeCommand command)
    {
        int id = (ushort)command.Word10;
        if (id == 0 || id >= _submissions.Length || _submissions[id] is not { } queue)
        {
            return NvmeStatus.InvalidQueueIdentifier;
        }

        queue.Completions.Users--;
        _submissions[id] = null;
        return NvmeStatus.Success;
    }

    private NvmeStatus DeleteCompletions(in NvmeCommand command)
    {
        int id = (ushort)command.Word10;
        if (id == 0 || id >= _completions.Length || _completions[id] is not { } queue)
        {
            return NvmeStatus.InvalidQueueIdentifier;
        }

        if (queue.Users != 0)
        {
            return NvmeStatus.InvalidQueueDeletion;
        }

        Volatile.Write(ref _completions[id], null);
        return NvmeStatus.Success;
    }

    private NvmeStatus SetFeatures(in NvmeCommand command)
    {
        NvmeStatus status = _features.Set(command, HasIoQueues, out _result);
        if (_features.IsTemperatureBeyond && _features.TellsTemperature)
        {
            _events.Add(NvmeEvents.HealthType, NvmeEvents.TemperatureThreshold, NvmeLog.Health);
        }

        return status;
    }

    // Only event requests wait; whatever else is to be aborted is over already, or has not been fetched.
    private NvmeStatus Abort(in NvmeCommand command)
    {
        ushort aborted = (ushort)(command.Word10 >> 16);
        uint result = 1;
        NvmeSubmissionQueue admin = _submissions[0]!;
        LookAtHead(admin.Completions);
        if ((ushort)command.Word10 == 0 && admin.Completions.Room >= 2 && _events.TryAbort(aborted))
        {
            _result = 0;
            Complete(admin, aborted, NvmeStatus.AbortRequested);
            result = 0;
        }

        _result = result;
        return NvmeStatus.Success;
    }

    private NvmeStatus Format(in NvmeCommand command)
    {
        const uint EraseUserData = 1;
        if (command.Namespace is not (NvmeNamespace.Id or NvmeCommand.EveryNamespace))
        {
            return NvmeStatus.InvalidNamespace;
        }

        uint erase = (command.Word10 >> 9) & 7;
        if (erase > EraseUserData)
        {
            return NvmeStatus.InvalidField;
        }

        // Neither metadata nor protection information is offered.
        return (command.Word10 & 0x1F0) == 0 ? _namespace.Format((int)(command.Word10 & 15)) : NvmeStatus.InvalidFormat;
    }

    private bool SendEvents()
    {
        bool any = false;
        NvmeSubmissionQueue admin = _submissions[0]!;
        while (IsServing && _events.IsDue)
        {
            LookAtHead(admin.Completions);
            if (RoomOf(admin.Completions) == 0)
            {
                break;
            }

            _result = _events.Take(out ushort command);
            Complete(admin, command, NvmeStatus.Success);
            Tell(admin.Completions);
            any = true;
        }

        return any;
    }
}
