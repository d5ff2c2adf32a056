using System.Runtime.ExceptionServices;
using Xunit;

namespace FastIova.Tests.TestKit;

/// <summary>Threads that do different work at once, and are waited for.</summary>
internal static class Crew
{
    /// <summary>Runs each piece of work on a thread of its own until all are done.</summary>
    internal static void Run(params ReadOnlySpan<Action> work)
    {
        var members = new List<Member>();
        foreach (Action piece in work)
        {
            members.Add(new Member(piece));
        }

        members.ForEach(member => member.Join());
    }

    /// <summary>One thread; what it throws is thrown again where it is waited for.</summary>
    internal sealed class Member
    {
        private readonly Thread _thread;
        private ExceptionDispatchInfo? _failure;

        internal Member(Action work)
        {
            _thread = new Thread(() =>
            {
                try
                {
                    work();
                }
                catch (Exception failure)
                {
                    _failure = ExceptionDispatchInfo.Capture(failure);
                }
            })
            {
                IsBackground = true,
            };
            _thread.Start();
        }

        internal bool IsDone => !_thread.IsAlive;

        internal void Join()
        {
            Assert.True(_thread.Join(TimeSpan.FromMinutes(2)), "A thread comes to an end.");
            _failure?.Throw();
        }
    }
}
