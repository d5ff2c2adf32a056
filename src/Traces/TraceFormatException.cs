namespace FastIova;

/// <summary>A trace that breaks a rule of its format. Nothing of such a trace is used.</summary>
internal sealed class TraceFormatException : FormatException
{
    /// <summary>Makes an exception that says nothing.</summary>
    public TraceFormatException()
    {
    }

    /// <summary>Makes an exception with a text.</summary>
    /// <param name="message">The text.</param>
    public TraceFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a text and a cause.</summary>
    /// <param name="message">The text.</param>
    /// <param name="innerException">The cause.</param>
    public TraceFormatException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes an exception that names the place, the value, the rule and the remedy.</summary>
    /// <param name="trace">The file, or the name of the stream.</param>
    /// <param name="offset">The byte: of the uncompressed trace, or of the file when it cannot be decompressed.</param>
    /// <param name="broken">What is there, with its value, and the rule it breaks.</param>
    /// <param name="remedy">What the user can do, as a sentence.</param>
    /// <param name="innerException">The cause, if any.</param>
    internal TraceFormatException(string trace, long offset, string broken, string remedy, Exception? innerException = null)
        : this($"{trace}, byte {offset}: {broken}. {remedy}", innerException) => Offset = offset;

    /// <summary>The byte that broke the rule.</summary>
    internal long Offset { get; }
}
