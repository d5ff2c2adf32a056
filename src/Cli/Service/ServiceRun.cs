using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary>A service from the line that says that it is ready to its end: signals, the file that programs read, and the time that they get to finish.</summary>
/// <remarks>Threads: one; signals arrive on others.</remarks>
internal sealed class ServiceRun : IDisposable
{
    private static readonly TimeSpan LooksEvery = TimeSpan.FromMilliseconds(20);

    private readonly ProgramDoor _door;
    private readonly EventLog _log;
    private readonly TimeSpan _drain;
    private readonly ManualResetEventSlim _told = new();
    private readonly ManualResetEventSlim _toldTwice = new();
    private readonly PosixSignalRegistration[] _signals;

    internal ServiceRun(ProgramDoor door, EventLog log, TimeSpan drain)
    {
        _door = door;
        _log = log;
        _drain = drain;
        _signals = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, End), PosixSignalRegistration.Create(PosixSignal.SIGINT, End)];
    }

    /// <summary>Runs until it is told to end, and until nobody is left or the time is over.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal int Run(string socket, string? view, MetricsEndpoint? endpoint, TextWriter output)
    {
        string about = ServeCommand.AboutPath(socket);
        File.WriteAllText(about + ".new", $"{_door.Variable}\n{view}\n");
        File.Move(about + ".new", about, overwrite: true); // whoever sees it sees all of it
        if (endpoint is not null)
        {
            output.WriteLine($"fastiova: {endpoint}");
        }

        output.WriteLine($"fastiova: serving at {socket}");
        output.Flush();
        _log.Write("info", "serving", ("socket", socket));
        Supervisor.Report("READY=1");
        _told.Wait();

        Supervisor.Report("STOPPING=1");
        _door.StopWelcoming();
        File.Delete(about);
        _log.Write("info", "draining", ("clients", _door.ClientCount));
        long end = Environment.TickCount64 + (long)_drain.TotalMilliseconds;
        while (_door.ClientCount > 0 && Environment.TickCount64 < end && !_toldTwice.Wait(LooksEvery))
        {
            // Clients end by themselves; the reaper of the door sees it.
        }

        int left = _door.ClientCount;
        _log.Write(left == 0 ? "info" : "warning", left == 0 ? "drained" : "cut-off", ("clients", left));
        return left == 0 ? ExitCode.Done : ExitCode.CutOff;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Array.ForEach(_signals, signal => signal.Dispose());
        _told.Dispose();
        _toldTwice.Dispose();
    }

    private void End(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_told.IsSet)
        {
            _toldTwice.Set();
        }

        _told.Set();
    }
}
