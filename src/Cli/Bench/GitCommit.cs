using System.ComponentModel;
using System.Diagnostics;

namespace FastIova.Cli;

/// <summary>Asks git which commit a working tree stands on.</summary>
internal static class GitCommit
{
    /// <summary>The abbreviated commit, with "+dirty" when tracked files other than reports differ from it.</summary>
    /// <param name="repository">The root of the working tree.</param>
    /// <returns>The commit, or null when there is no git or no repository.</returns>
    internal static string? Of(string repository)
    {
        string? commit = Ask(repository, "rev-parse", "--short=12", "HEAD");
        if (string.IsNullOrEmpty(commit))
        {
            return null;
        }

        // A run replaces reports; that does not change what the next run measures.
        string? changes = Ask(repository, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!perf-reports");
        return string.IsNullOrEmpty(changes) ? commit : commit + "+dirty";
    }

    /// <summary>Asks git a question.</summary>
    /// <param name="repository">The working tree.</param>
    /// <param name="words">The words after "git".</param>
    /// <returns>The answer without the white space around it, or null when git refuses or is not there.</returns>
    internal static string? Ask(string repository, params string[] words)
    {
        var start = new ProcessStartInfo("git")
        {
            WorkingDirectory = repository,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string word in words)
        {
            start.ArgumentList.Add(word);
        }

        try
        {
            using Process git = Process.Start(start)!;
            git.ErrorDataReceived += (_, _) => { };
            git.BeginErrorReadLine();
            string answer = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            return git.ExitCode == 0 ? answer : null;
        }
        catch (Win32Exception)
        {
            // git is not installed.
            return null;
        }
    }
}
