namespace FastIova.KernelTraces;

/// <summary>Reads every line of a set and prints it again: what differs was not understood.</summary>
internal static class SelfCheck
{
    /// <summary>Checks a set.</summary>
    /// <returns>The first complaint of each trace.</returns>
    internal static IEnumerable<string> Run(TraceSet set)
    {
        foreach (Trace trace in set.Traces)
        {
            string? complaint = Check(trace);
            if (complaint is not null)
            {
                yield return $"{set.Name}/{complaint}";
            }
        }
    }

    private static string? Check(Trace trace)
    {
        using IEnumerator<string> texts = trace.Text.Where(text => !Trace.IsRemark(text)).GetEnumerator();
        try
        {
            foreach (TraceLine line in trace.Lines())
            {
                texts.MoveNext();
                string printed = line.PrintInputs() + TraceAnswer.Parse(line.Op, line.Answer);
                if (!string.Equals(printed, texts.Current, StringComparison.Ordinal))
                {
                    return $"{trace.Name} reads \"{texts.Current}\" and prints \"{printed}\"";
                }
            }
        }
        catch (FormatException complaint)
        {
            return complaint.Message;
        }

        return null;
    }
}
