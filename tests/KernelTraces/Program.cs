namespace FastIova.KernelTraces;

internal static class Program
{
    internal static int Main(string[] args) => CommandLine.Run(args, Console.Out, Console.Error);
}
