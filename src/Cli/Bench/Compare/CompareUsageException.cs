namespace FastIova.Cli;

/// <summary>A side of a comparison that is named wrongly.</summary>
internal sealed class CompareUsageException : Exception
{
    public CompareUsageException()
    {
    }

    public CompareUsageException(string message)
        : base(message)
    {
    }

    public CompareUsageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
