using System.Reflection;
using FastIova.Tests.Architecture;

// Surface REVIEWED ASSEMBLY...: compares what assemblies offer to strangers with the reviewed list. Exit code 1 for a difference.
string[] reviewed = File.ReadAllLines(args[0]);
bool isReviewed = true;
foreach (string path in args.AsSpan(1))
{
    // The assemblies that it refers to lie beside it.
    var assembly = Assembly.LoadFrom(path);
    string prefix = assembly.GetName().Name + ": ";
    string[] expected = [.. reviewed.Where(line => line.StartsWith(prefix, StringComparison.Ordinal))];
    string[] actual = [.. PublicSurface.Of(assembly)];
    foreach (string line in actual.Except(expected, StringComparer.Ordinal).Select(line => "+ " + line).Concat(expected.Except(actual, StringComparer.Ordinal).Select(line => "- " + line)))
    {
        isReviewed = false;
        Console.Error.WriteLine($"error: the public surface is not the reviewed one: {line}");
    }
}

if (!isReviewed)
{
    Console.Error.WriteLine("If that is meant, run the tests with FASTIOVA_ACCEPT_SURFACE=1, look at the difference of PublicSurface.txt and commit it.");
}

return isReviewed ? 0 : 1;
