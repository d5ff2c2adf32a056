namespace FastIova.KernelTraces;

/// <summary>Makes the calls of one trace with exactly the recorded inputs, and goes on after an answer that differs.</summary>
internal sealed class TraceReplay
{
    private const int AnyProtection = NativeCalls.ProtRead | NativeCalls.ProtWrite | NativeCalls.ProtExecute;
    private const int BadDescriptor = 9;

    private readonly ITarget _target;
    private readonly UserMemory _memory;
    private readonly int _device;
    private readonly LogicalFiles _files;
    private readonly LogicalMappings _mappings = new();

    private TraceReplay(ITarget target, UserMemory memory, int device)
    {
        _target = target;
        _memory = memory;
        _device = device;
        _files = new LogicalFiles(device);
    }

    /// <summary>Replays a trace in a process that is as good as new.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="credentials">As whom it was recorded.</param>
    /// <param name="target">Who answers.</param>
    /// <param name="memory">The prepared memory; prepared anew.</param>
    /// <param name="answered">Told about every operation and its answer.</param>
    /// <exception cref="IOException">The device could not be opened, or the memory not prepared.</exception>
    internal static void Run(Trace trace, Credentials credentials, ITarget target, UserMemory memory, Action<TraceLine, TraceAnswer> answered)
    {
        target.Begin(credentials);
        int[] prepared = memory.Prepare(trace.HasHugePages, trace.HasFiles);
        long device = target.Open(trace.Device);
        if (device < 0)
        {
            throw new IOException($"Opening {trace.Device} failed with {TraceErrno.Name((int)-device)}: run under 'fastiova run --test-backend', or use --in-process.");
        }

        target.Restrict();
        var replay = new TraceReplay(target, memory, (int)device);
        replay.Adopt(prepared);
        try
        {
            foreach (TraceLine line in trace.Lines())
            {
                answered(line, replay.Answer(line));
            }
        }
        finally
        {
            replay.CloseFiles();
        }
    }

    private void Adopt(int[] prepared)
    {
        for (uint i = 0; i < prepared.Length; i++)
        {
            if (prepared[i] >= 0)
            {
                _files.Adopt(TraceOps.PreparedFiles + i, _target.Adopt(prepared[i]));
            }
        }
    }

    private TraceAnswer Answer(TraceLine line)
    {
        var answer = new TraceAnswer();
        _memory.FillScratch(line.Input);
        if (line.Op.HasStruct)
        {
            CallWithStruct(line, answer);
            return answer;
        }

        ulong[] values = line.Values;
        int returned = 0;
        ulong mapped = 0;
        long result = line.Op.Call switch
        {
            CallKind.IoctlNumber => _target.Ioctl(_device, line.Op.Request, values[0]),
            CallKind.Close => Close(values[0]),
            CallKind.Read => _target.Read(_files.Resolve(values[0]), UserMemory.Scratch, values[1]),
            CallKind.Write => _target.Write(_files.Resolve(values[0]), UserMemory.Scratch, values[1]),
            CallKind.Poll => _target.Poll(_files.Resolve(values[0]), out returned),
            CallKind.Map => _target.Map(_device, values[0], values[1], (int)values[2] & AnyProtection, FlagsOf(values[3]), out mapped),
            CallKind.Unmap => Unmap(values[0]),
            _ => 0,
        };
        answer.AddResult(result);
        switch (line.Op.Call)
        {
            case CallKind.Read:
                Payloads.ReadBytes(new CallOutcome(line, result, 0, values, _memory), answer);
                break;
            case CallKind.Poll:
                answer.Add("revents", TraceNumber.Print(FieldKind.Number, (ulong)returned));
                break;
            case CallKind.Map when result == 0:
                ShowMapping(line, mapped, answer);
                break;
            case CallKind.Hash:
                answer.AddWords("hash", [UserMemory.HashWords(values[0], values[1])]);
                break;
        }

        return answer;
    }

    private void CallWithStruct(TraceLine line, TraceAnswer answer)
    {
        TraceOp op = line.Op;
        ulong[] values = [.. line.Values];
        for (int i = 0; i < values.Length; i++)
        {
            if (op.Fields[i].Kind == FieldKind.File)
            {
                values[i] = op.Fields[i].IsIn ? (uint)_files.Resolve(values[i]) : 0;
            }
        }

        StructImage image = StructImage.Lay(line, values);
        uint request = op.Call == CallKind.IoctlAny ? (uint)line.Values[0] : op.Request;
        long result = _target.Ioctl(_device, request, image.Argument);
        if (op.ReturnsFile && result > 0)
        {
            answer.AddFile(_files.Adopt(op.LogicalFiles + (uint)line.Index, (int)result));
        }
        else
        {
            answer.AddResult(result);
        }

        if (line.PointerMode is not (1 or 2))
        {
            image.Compare(result, values, answer, fd => _files.Adopt(op.LogicalFiles + (uint)line.Index, fd));
        }

        op.Payload?.Invoke(new CallOutcome(line, result, image.Address, values, _memory), answer);
    }

    private long Close(ulong logical)
    {
        long result = _target.Close(_files.Resolve(logical));
        if (result == 0)
        {
            _files.Forget(logical);
        }

        return result;
    }

    private static int FlagsOf(ulong flags) => flags == 0 ? NativeCalls.MapShared : (int)flags;

    private void ShowMapping(TraceLine line, ulong address, TraceAnswer answer)
    {
        uint logical = _mappings.Adopt(line.Op.LogicalFiles + (uint)line.Index, address, line["length"]);
        answer.Add("map", TraceNumber.Print(FieldKind.Number, logical));
        if ((line["prot"] & NativeCalls.ProtRead) != 0)
        {
            bool hasSecondPage = line["length"] >= 2 * UserMemory.PageBytes;
            answer.AddWords("dout", [UserMemory.Words(address, 1)[0], hasSecondPage ? UserMemory.Words(address + UserMemory.PageBytes, 1)[0] : 0]);
        }
    }

    private long Unmap(ulong logical) =>
        _mappings.TryTake(logical, out (ulong Address, ulong Length) mapping) ? _target.Unmap(mapping.Address, mapping.Length) : -BadDescriptor;

    // The end of the process takes its memory first, and then closes what is open, in the order of the descriptors: the device came first.
    private void CloseFiles()
    {
        foreach ((ulong address, ulong length) in _mappings.All)
        {
            _ = _target.Unmap(address, length);
        }

        _ = _target.Close(_device);
        foreach (int fd in _files.Open.Order())
        {
            _ = _target.Close(fd);
        }
    }
}
