using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace FastIova.Cli;

/// <summary>Runs a driver and a device, each on a processor of its own.</summary>
internal static class TwoThreads
{
    /// <summary>Runs both until the driver is done.</summary>
    /// <param name="driver">Returns zero when everything was right.</param>
    /// <param name="device">Does what is there to do and returns how much that was.</param>
    /// <returns>The nanoseconds that the driver took.</returns>
    /// <exception cref="BenchFailureException">Something was wrong, or one of the two failed.</exception>
    internal static double Run(Func<ulong> driver, Func<int> device)
    {
        int[] processors = Affinity.Allowed();
        using var ready = new ManualResetEventSlim();
        bool stop = false;
        Exception? failure = null;
        var deviceThread = new Thread(() =>
        {
            _ = Affinity.Bind(processors[^1]);
            ready.Set();
            int idle = 0;
            try
            {
                while (!Volatile.Read(ref stop))
                {
                    idle = device() == 0 ? idle + 1 : 0;
                    if (idle > 1000)
                    {
                        // Whoever shares this processor may be the driver.
                        Thread.Yield();
                    }
                }
            }
            catch (Exception e)
            {
                Volatile.Write(ref failure, e);
            }
        })
        { IsBackground = true, Name = "device" };
        double nanoseconds = 0;
        ulong wrong = 0;
        Exception? driverFailure = null;
        var driverThread = new Thread(() =>
        {
            _ = Affinity.Bind(processors[0]);
            ready.Wait();
            try
            {
                long start = Stopwatch.GetTimestamp();
                wrong = driver();
                nanoseconds = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
            }
            catch (Exception e)
            {
                driverFailure = e;
            }
        })
        { IsBackground = true, Name = "driver" };
        deviceThread.Start();
        driverThread.Start();
        driverThread.Join();
        Volatile.Write(ref stop, true);
        deviceThread.Join();
        if ((failure ?? driverFailure) is { } fault)
        {
            ExceptionDispatchInfo.Throw(fault);
        }

        return wrong == 0 ? nanoseconds : throw new BenchFailureException("The pipelined replay got a wrong answer: no time is reported for wrong answers.");
    }
}
