using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>OPTION: whom locked memory is charged to, and whether an ioas may use large pages.</summary>
internal static class OptionHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref OptionCommand command = ref call.Command<OptionCommand>();
        if (command.Reserved != 0)
        {
            return Errno.NotSupported;
        }

        Errno errno = command.OptionId switch
        {
            OptionId.RlimitMode => RlimitMode(call, ref command),
            OptionId.HugePages => HugePages(call, ref command),
            _ => Errno.NotSupported,
        };
        return errno == Errno.Success
            ? call.Respond((int)Marshal.OffsetOf<OptionCommand>(nameof(OptionCommand.Val64)), sizeof(ulong))
            : errno;
    }

    private static Errno RlimitMode(in IoctlCall call, ref OptionCommand command)
    {
        if (command.ObjectId != 0)
        {
            return Errno.NotSupported;
        }

        IommufdContext context = call.Context;
        switch (command.Op)
        {
            case OptionOp.Get:
                command.Val64 = context.Accounting == AccountMode.Mm ? 1UL : 0;
                return Errno.Success;

            case OptionOp.Set when !call.Caller.Has(Capability.SysResource):
                return Errno.NotPermitted;

            case OptionOp.Set:
                ulong value = command.Val64;
                return context.Objects.WhileEmpty(() =>
                {
                    if (value > 1)
                    {
                        return Errno.Invalid;
                    }

                    context.Accounting = value == 1 ? AccountMode.Mm : AccountMode.User;
                    return Errno.Success;
                });

            default:
                return Errno.NotSupported;
        }
    }

    private static Errno HugePages(in IoctlCall call, ref OptionCommand command)
    {
        Errno errno = call.Objects.Get(command.ObjectId, out IoasObject? ioas);
        if (errno != Errno.Success)
        {
            return errno;
        }

        try
        {
            switch (command.Op)
            {
                case OptionOp.Get:
                    command.Val64 = ioas!.Space.IsLargePagesDisabled ? 0UL : 1;
                    return Errno.Success;

                case OptionOp.Set when command.Val64 == 0:
                    return ioas!.Space.DisableLargePages().ToErrno();

                case OptionOp.Set when command.Val64 == 1:
                    ioas!.Space.EnableLargePages();
                    return Errno.Success;

                case OptionOp.Set:
                    return Errno.Invalid;

                default:
                    return Errno.NotSupported;
            }
        }
        finally
        {
            ioas!.LetGo();
        }
    }
}
