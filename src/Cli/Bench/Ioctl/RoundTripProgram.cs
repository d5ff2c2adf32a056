using System.Diagnostics;
using System.Globalization;

namespace FastIova.Cli;

/// <summary>The program roundtrip.c while it measures: one lap for each time it is asked, or until it is asked again.</summary>
internal sealed class RoundTripProgram : IDisposable
{
    private readonly Process _process;

    /// <param name="kind">"map" for pairs of MAP and UNMAP through the shim, "bare" for pairs of messages and answers, "refused" for calls that are refused.</param>
    /// <param name="pairs">The pairs of a lap.</param>
    /// <param name="door">The environment variable that leads to an engine; null without one.</param>
    internal RoundTripProgram(string kind, int pairs, string? door)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "fastiova-roundtrip");
        var start = new ProcessStartInfo(program, [kind, pairs.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        if (door is not null)
        {
            start.Environment["LD_PRELOAD"] = GuestProgram.ShimPath;
            start.Environment[DoorProtocol.Variable] = door;
        }

        _process = Process.Start(start)!;
    }

    /// <summary>Asks for a lap; of refused calls, for its begin or its end.</summary>
    internal void Ask()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
    }

    /// <summary>Runs one lap, or waits for the end of one.</summary>
    /// <returns>Nanoseconds per pair, or call.</returns>
    internal double Lap()
    {
        Ask();
        string? answer = _process.StandardOutput.ReadLine();
        return double.TryParse(answer, NumberStyles.Float, CultureInfo.InvariantCulture, out double ns)
            ? ns
            : throw new BenchFailureException("The program that measures round trips ended before its answer; its complaint is above.");
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
