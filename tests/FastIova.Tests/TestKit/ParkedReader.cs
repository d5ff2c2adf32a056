namespace FastIova.Tests.TestKit;

/// <summary>A device on a thread of its own that enters a scope and stays in it until it is told to leave.</summary>
internal sealed class ParkedReader : IDisposable
{
    private readonly ManualResetEventSlim _entered = new();
    private readonly ManualResetEventSlim _leave = new();
    private readonly Thread _thread;

    /// <param name="stay">Enters, calls its argument, and leaves.</param>
    internal ParkedReader(Action<Action> stay)
    {
        _thread = new Thread(() => stay(Park)) { IsBackground = true, Name = "parked reader" };
        _thread.Start();
        _entered.Wait();

        void Park()
        {
            _entered.Set();
            _leave.Wait();
        }
    }

    /// <summary>Lets the reader leave, and returns when its thread has ended.</summary>
    internal void Leave()
    {
        _leave.Set();
        _thread.Join();
    }

    public void Dispose()
    {
        Leave();
        _entered.Dispose();
        _leave.Dispose();
    }
}
