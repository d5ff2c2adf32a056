namespace FastIova;

/// <summary>A queue of page faults that a user space answers. Its file delivers groups of requests, and takes the answers.</summary>
/// <remarks>
/// <para>Invariants. Q1: a group is waiting for delivery, or delivered and named by its cookie, or answered; never two of them.
/// Q2: when a handle ends, every group that was reported through it is answered.</para>
/// <para>Threads: any. The answers go to the devices while the lock is held.</para>
/// </remarks>
internal sealed partial class FaultQueue : EventQueue
{
    private readonly Lock _lock = new();
    private readonly LinkedList<FaultGroup> _waiting = new();
    private readonly Dictionary<uint, FaultGroup> _delivered = [];
    private readonly IdSet _cookies = new();
    private bool _isCookieZeroFree;
    private readonly List<(HardwareDevice Device, PageFault Fault)> _partial = [];

    private FaultQueue(IommufdContext context)
        : base(context, ObjectKind.FaultQueue)
    {
    }

    internal override bool TakesAnswers => true;

    internal override bool HasWaiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count != 0;
            }
        }
    }

    /// <summary>Makes an empty one with its file, reserved. The file is a user, and keeps the context.</summary>
    internal static Errno Create(IommufdContext context, out FaultQueue? queue)
    {
        queue = null;
        var newcomer = new FaultQueue(context);
        Errno errno = context.Objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (FaultPoint.Fails())
        {
            context.Objects.Forget(newcomer);
            return Errno.OutOfMemory;
        }

        newcomer.OpenFile();
        queue = newcomer;
        return Errno.Success;
    }

    /// <summary>Takes a request of a device that is attached through a handle; whoever reports it wakes the file afterwards.</summary>
    internal void Report(HardwareDevice device, AttachHandle handle, in PageFault fault)
    {
        lock (_lock)
        {
            if ((fault.Flags & PageFaultFlags.LastPage) == PageFaultFlags.None)
            {
                _partial.Add((device, fault));
                return;
            }

            List<PageFault> faults = [];
            for (int i = 0; i < _partial.Count; i++)
            {
                if (_partial[i].Device == device && _partial[i].Fault.GroupId == fault.GroupId)
                {
                    faults.Add(_partial[i].Fault);
                    _partial.RemoveAt(i--);
                }
            }

            faults.Add(fault);
            _waiting.AddLast(new FaultGroup(device, handle, faults));
        }
    }

    /// <summary>Answers everything that was reported through a handle that ends.</summary>
    internal void AnswerAll(AttachHandle ended) => AnswerWhere(group => group.Handle == ended);

    internal override void Destroy() => AnswerWhere(_ => true);

    private void AnswerWhere(Predicate<FaultGroup> isMeant)
    {
        lock (_lock)
        {
            for (LinkedListNode<FaultGroup>? node = _waiting.First; node is not null;)
            {
                LinkedListNode<FaultGroup>? next = node.Next;
                if (isMeant(node.Value))
                {
                    _waiting.Remove(node);
                    node.Value.Answer(PageResponseCode.Invalid);
                }

                node = next;
            }

            foreach ((uint cookie, FaultGroup group) in _delivered.ToArray())
            {
                if (isMeant(group))
                {
                    _delivered.Remove(cookie);
                    _cookies.Return(cookie);
                    group.Answer(PageResponseCode.Invalid);
                }
            }
        }

        File?.Wake();
    }
}
