namespace FastIova;

/// <summary>IOMMU_TEST_CMD: mock hardware, and checks that look behind the interface, for the kernel's own tests.</summary>
/// <remarks>The operations of Linux 6.12. None of them exists unless the engine was made with <see cref="EngineOptions.TestBackend"/>.</remarks>
internal static class TestBackend
{
    // What the scratch memory of a kernel needs for one element; the limit itself means nothing here.
    private const uint SmallestLimit = sizeof(ulong) + sizeof(uint);

    /// <summary>Runs one operation.</summary>
    internal static Errno Run(in IoctlCall call)
    {
        ref TestCommand command = ref call.Command<TestCommand>();
        return command.Op switch
        {
            TestOp.AddReserved => AddReserved(call, command),
            TestOp.MockDomain => MockOrders.Create(call, ref command, flags: 0),
            TestOp.MockDomainFlags => MockOrders.Create(call, ref command, command.MockDomain.DevFlags),
            TestOp.MockDomainReplace => MockOrders.Replace(call, ref command),
            TestOp.CheckMap => PageChecks.CheckMap(call, command.Id, command.CheckMap),
            TestOp.CheckRefs => PageChecks.CheckRefs(call.Caller.Memory, command.CheckRefs),
            TestOp.CheckIotlb => MockOrders.CheckIotlb(call, command.Id, command.CheckIotlb),
            TestOp.CreateAccess => AccessOrders.Create(call, ref command),
            TestOp.AccessReplaceIoas => AccessOrders.Replace(call, command),
            TestOp.AccessPages => AccessOrders.Pin(call, ref command),
            TestOp.DestroyAccessPages => AccessOrders.Unpin(call, command),
            TestOp.AccessRw => AccessOrders.Copy(call, command),
            TestOp.SetTempMemoryLimit => command.MemoryLimit.Limit < SmallestLimit ? Errno.Invalid : Errno.Success,
            TestOp.Dirty => MockOrders.MarkDirty(call, ref command),
            TestOp.TriggerIopf => MockOrders.Fault(call, command.TriggerIopf),
            _ => call.Context.Has(UapiChange.LateTestOps) ? RunLate(call, ref command) : Errno.NotSupported,
        };
    }

    private static Errno RunLate(in IoctlCall call, ref TestCommand command) => command.Op switch
    {
        TestOp.CheckDevCache => VirtualOrders.CheckCache(call, command.Id, command.CheckDevCache),
        TestOp.TriggerVevent => VirtualOrders.Trigger(call, command.TriggerVevent.DevId),
        TestOp.PasidAttach => MockOrders.AttachPasid(call, ref command, isReplace: false),
        TestOp.PasidReplace => MockOrders.AttachPasid(call, ref command, isReplace: true),
        TestOp.PasidDetach => MockOrders.DetachPasid(call, command),
        TestOp.PasidCheckHwpt => MockOrders.CheckPasid(call, command),
        TestOp.DmabufGet => DmaBufOrders.Create(call, command.DmabufGet),
        TestOp.DmabufRevoke => DmaBufOrders.Revoke(call, command.DmabufRevoke),
        _ => Errno.NotSupported,
    };

    private static Errno AddReserved(in IoctlCall call, in TestCommand command)
    {
        ulong first = command.AddReserved.Start;
        ulong length = command.AddReserved.Length;
        if (length == 0)
        {
            return Errno.Invalid;
        }

        if (!IovaSpan.TryCreate(first, length, out IovaSpan span))
        {
            return Errno.Overflow;
        }

        Errno errno = call.Objects.Get(command.Id, out IoasObject? ioas);
        if (errno == Errno.Success)
        {
            errno = ioas!.Space.Reserve(span, owner: null).ToErrno();
            ioas.LetGo();
        }

        return errno;
    }
}
