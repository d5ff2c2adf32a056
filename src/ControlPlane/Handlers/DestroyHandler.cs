namespace FastIova;

/// <summary>DESTROY: ends an object that nothing uses.</summary>
internal static class DestroyHandler
{
    internal static Errno Run(in IoctlCall call) => call.Objects.Remove(call.Command<DestroyCommand>().Id);
}
