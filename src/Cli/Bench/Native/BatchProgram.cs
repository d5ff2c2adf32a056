using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary>The program batch.c while it measures: one lap for each time it is asked.</summary>
internal sealed class BatchProgram : IDisposable
{
    private readonly Process _process;

    /// <param name="library">The path of libfastiova.so.</param>
    /// <param name="iovas">What is translated; a multiple of a batch.</param>
    /// <param name="rounds">How often, in a lap.</param>
    internal BatchProgram(string library, AddressStream iovas, int rounds)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "fastiova-batch");
        _process = Process.Start(new ProcessStartInfo(program, [library, rounds.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Stream input = _process.StandardInput.BaseStream;
        ulong count = (ulong)iovas.Length;
        input.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in count)));
        input.Write(MemoryMarshal.AsBytes(iovas.Numbers));
        input.Flush();
    }

    /// <summary>Runs one lap.</summary>
    /// <returns>Nanoseconds per look-up.</returns>
    internal double Lap()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
        string? answer = _process.StandardOutput.ReadLine();
        return double.TryParse(answer, NumberStyles.Float, CultureInfo.InvariantCulture, out double ns)
            ? ns
            : throw new BenchFailureException("The C program that measures batches ended before its answer; its complaint is above.");
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
