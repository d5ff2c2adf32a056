namespace FastIova.Cli;

/// <summary>A measurement that must not be reported: its answer was wrong, or it could not be taken.</summary>
internal sealed class BenchFailureException : Exception
{
    public BenchFailureException()
    {
    }

    public BenchFailureException(string message)
        : base(message)
    {
    }

    public BenchFailureException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
