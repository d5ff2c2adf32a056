using static FastIova.DoorProtocol;

namespace FastIova;

/// <summary>The thread that works for one slot of one client: takes a call, runs it, gives the result back.</summary>
/// <remarks>
/// A thread for each slot, so that a call that waits holds nobody else up, and the thread that runs a call is the one that was
/// woken for it. Threads: its own.
/// </remarks>
internal sealed class CallServer
{
    // What a path or a struct needs; deep recursion does not happen here.
    private const int StackBytes = 512 << 10;
    private const int PathBytesLast = 256;

    private readonly ProgramDoor _door;
    private readonly Client _client;
    private readonly CallSlot _slot;
    private readonly ClientCaller _caller;
    private bool _hasHold;

    private CallServer(ProgramDoor door, Client client, CallSlot slot)
    {
        _door = door;
        _client = client;
        _slot = slot;
        _caller = new ClientCaller(door, client, slot);
    }

    /// <summary>Starts to serve a slot.</summary>
    /// <returns>Zero, or a negative errno: it cannot be served, or its user has as many as it may.</returns>
    internal static int TryStart(ProgramDoor door, Client client, uint index)
    {
        if (!client.User.Calls.TryTake(1))
        {
            return -NoMemory;
        }

        if (!client.TryEnter(index, out CallSlot slot))
        {
            client.User.Calls.GiveBack(1);
            return -Invalid;
        }

        try
        {
            var server = new CallServer(door, client, slot);
            new Thread(server.Run, StackBytes) { IsBackground = true, Name = "fastiova-call" }.Start();
            return 0;
        }
        catch (Exception refused) when (refused is OutOfMemoryException or ThreadStartException)
        {
            // No more threads in this control group, or no memory for one: others may come later.
            client.Leave(index);
            client.User.Calls.GiveBack(1);
            return -NoMemory;
        }
    }

    private void Run()
    {
        ClientMemory.ServeFrom(_client.Memory);
        int spins = 1000;
        try
        {
            while (_slot.TryAwait(TurnEngine, _client, ref spins))
            {
                if (!_hasHold)
                {
                    _client.Memory.TakeHold();
                    _hasHold = true;
                }

                Serve(_slot.Take());
            }
        }
#pragma warning disable CA1031 // whatever went wrong here ends this client, and never the engine
        catch (Exception defect)
#pragma warning restore CA1031 // see above
        {
            _door.Complain(defect);
        }
        finally
        {
            // A client that still runs has passed a turn that makes no sense, or met a defect.
            _door.Disconnect(_client);
            _client.User.Calls.GiveBack(1);
            _client.Leave();
            _door.Left(_client);
        }
    }

    private void Serve(in DoorCall call)
    {
        _door.Files.Sweep();
        ClientMemory.BeginCall();
        _caller.UserId = _door.UserOf(_client, call.User);
        ServedFile? file = null;
        if (call.Call != CallOpen && (!_door.Files.TryGet(call.File, out file) || !file!.TryEnter()))
        {
            Finish(-BadDescriptor, 0);
            return;
        }

        FaultPlan? plan = call.Thread != 0 && !_client.Faults.IsEmpty && file?.File is not FailNthFile ? _client.Faults.Arm(call.Thread) : null;
        long result;
        uint tokens;
        try
        {
            result = file is null ? Open(call) : Run(call, file.File);
            tokens = file?.TakeStaleTokens() ?? 0;
        }
        finally
        {
            if (plan is not null)
            {
                _client.Faults.Disarm(call.Thread, plan);
            }

            file?.Leave();
        }

        Finish(result, tokens);
    }

    private void Finish(long result, uint tokens)
    {
        if (RefusalPace.IsRefusal(result))
        {
            _client.AwaitEnd(_door.WaitBeforeRefusal(_client.Process.Id, _client.Refusals));
        }

        _slot.Finish(result, tokens);
    }

    private long Run(in DoorCall call, OpenFile file) => call.Call switch
    {
        CallIoctl => file.Ioctl(_caller, (uint)call.A, call.B),
        CallRead when call.C != NoPosition => file.ReadAt(_caller, call.A, call.B, call.C),
        CallRead => file.Read(_caller, call.A, call.B),
        CallWrite when call.C != NoPosition => file.WriteAt(_caller, call.A, call.B, call.C),
        CallWrite => file.Write(_caller, call.A, call.B),
        CallMap => Map(call, file),
        CallNode => (long)file.Node,
        CallPoll => (file.IsReadable ? PollIn : 0) | (file.IsWritable ? PollOut : 0),
        _ => throw new InvalidDataException($"A client asked for call {call.Call}, which does not exist: its shim is of another release."),
    };

    private long Open(in DoorCall call)
    {
        if (!TryReadPath(call.A, out string path))
        {
            return NotMine;
        }

        bool closeOnExec = (call.B & OpenCloseOnExec) != 0;
        if (_door.OpenStatus(_client, path) is { } status)
        {
            return _caller.Install(status, closeOnExec);
        }

        long result = _door.Open(_client, _caller, path, out OpenFile? file);
        if (result != 0)
        {
            return result;
        }

        int fd = _caller.Install(file!, closeOnExec);
        if (fd < 0)
        {
            file!.Close();
        }

        return fd;
    }

    // The client maps a memory file, and closes the descriptor: from then on only its mappings hold the open file.
    private long Map(in DoorCall call, OpenFile file)
    {
        long result = file.Map(new MapRequest(call.A, call.B, (int)call.C, (int)call.D), out FileMapping? mapping);
        if (mapping is null)
        {
            return result;
        }

        _slot.SayBase(mapping.Offset);
        return _door.Files.Mappings.Add(mapping) is { } open ? _caller.Install(open, closeOnExec: true) : -TooManyFiles;
    }

    // Up to the end of a page at a time: the text may end just before memory that is not there.
    private bool TryReadPath(ulong address, out string path)
    {
        Span<byte> text = stackalloc byte[PathBytesLast];
        int length = 0;
        path = string.Empty;
        while (length < text.Length)
        {
            int piece = (int)Math.Min((ulong)(text.Length - length), Frame.PageBytes - ((address + (ulong)length) % Frame.PageBytes));
            if (!_client.Memory.TryRead(address + (ulong)length, text.Slice(length, piece)))
            {
                return false;
            }

            int end = text.Slice(length, piece).IndexOf((byte)0);
            if (end >= 0)
            {
                path = System.Text.Encoding.UTF8.GetString(text[..(length + end)]);
                return true;
            }

            length += piece;
        }

        return false;
    }
}
