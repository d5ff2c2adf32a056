using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using FastIova.Tests.Architecture;
using Xunit;

namespace FastIova.Tests.Native;

/// <summary>fastiova.h is written by hand: these tests hold it to the exports, to the loader and to what the compiler of C makes of its structs.</summary>
public sealed partial class HeaderTests
{
    private const string LoadersOwn = "fi_begin";

    private static readonly string Header = File.ReadAllText(Path.Combine(SourceTree.Root, "native", "fastiova.h"));

    private static readonly Dictionary<string, MethodInfo> Exports = typeof(EngineExports).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly))
        .Where(method => method.GetCustomAttribute<UnmanagedCallersOnlyAttribute>() is not null)
        .ToDictionary(method => method.GetCustomAttribute<UnmanagedCallersOnlyAttribute>()!.EntryPoint!, StringComparer.Ordinal);

    private static Dictionary<string, (string Result, string[] Parameters)> Declared { get; } = Declaration.Matches(WithoutComments(Header))
        .ToDictionary(
            match => match.Groups["name"].Value,
            match => (match.Groups["result"].Value, ParametersOf(match.Groups["parameters"].Value)),
            StringComparer.Ordinal);

    [Fact]
    public void EveryFunctionOfTheHeaderIsExportedWithItsParameters()
    {
        Assert.Equal(Exports.Keys.Where(name => name is not LoadersOwn).Order(StringComparer.Ordinal), Declared.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, (string result, string[] parameters)) in Declared)
        {
            MethodInfo method = Exports[name];
            Assert.True(string.Equals(SpelledInC(method.ReturnType, "int"), result, StringComparison.Ordinal), $"{name} returns {method.ReturnType.Name}, the header says {result}.");
            ParameterInfo[] actual = method.GetParameters();
            Assert.True(actual.Length == parameters.Length, $"{name} has {actual.Length} parameters, the header says {parameters.Length}.");
            for (int i = 0; i < actual.Length; i++)
            {
                Assert.True(
                    SpelledInC(actual[i].ParameterType, parameters[i]).Equals(parameters[i], StringComparison.Ordinal),
                    $"{name}: parameter {i + 1} is {actual[i].ParameterType.Name}, the header says {parameters[i]}.");
            }
        }
    }

    [Fact]
    public void TheLoaderHandsOnEveryFunctionAndNoOther()
    {
        string list = File.ReadAllText(Path.Combine(SourceTree.Root, "native", "functions.h"));
        Assert.Equal(Declared.Keys.Order(StringComparer.Ordinal), Step.Matches(list).Select(match => match.Groups["name"].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void EveryFunctionIsDocumented()
    {
        // A comment stands for the functions directly below it: a pair of widths, or system calls by their names.
        string[] lines = Header.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (Declaration.IsMatch(lines[i]))
            {
                int above = i - 1;
                while (Declaration.IsMatch(lines[above]) || (lines[above].Length == 0 && Declaration.IsMatch(lines[above + 1]) && lines[above - 1].EndsWith("*/", StringComparison.Ordinal)))
                {
                    above--;
                }

                Assert.True(lines[above].EndsWith("*/", StringComparison.Ordinal), $"fastiova.h, line {i + 1}: nothing is said about {lines[i]}");
            }
        }
    }

    [Fact]
    public void ConstantsAreThoseOfTheLibrary()
    {
        (string Name, ulong Value)[] expected =
        [
            ("FI_ABI_VERSION", EngineExports.AbiVersion),
            ("FI_READ", (ulong)Permission.Read),
            ("FI_WRITE", (ulong)Permission.Write),
            ("FI_NO_PASID", Fault.NoPasid),
            ("FI_RELEASE_6_12", (ulong)UapiLevel.Linux612),
            ("FI_NODE_IOMMU", (ulong)EngineNode.Iommu),
            ("FI_NODE_VFIO", (ulong)EngineNode.VfioContainer),
            ("FI_PORT_BATCH", (ulong)ReaderKind.Batch),
            ("FI_PORT_SINGLE", (ulong)ReaderKind.SingleShot),
            ("FI_WAIT_SPIN", (ulong)WaitPolicy.Spin),
            ("FI_WAIT_YIELD", (ulong)WaitPolicy.Yield),
            ("FI_WAIT_PARK", (ulong)WaitPolicy.Park),
            ("FI_BAR_IO", (ulong)PciBarKind.Io),
            ("FI_BAR_MEMORY32", (ulong)PciBarKind.Memory32),
            ("FI_BAR_MEMORY64", (ulong)PciBarKind.Memory64),
            ("FI_FAULT_NONE", (ulong)FaultReason.None),
            ("FI_FAULT_NOT_MAPPED", (ulong)FaultReason.NotMapped),
            ("FI_FAULT_PERMISSION", (ulong)FaultReason.PermissionDenied),
            ("FI_FAULT_APERTURE", (ulong)FaultReason.OutsideAperture),
            ("FI_FAULT_MISALIGNED", (ulong)FaultReason.Misaligned),
            ("FI_FAULT_WRAPS", (ulong)FaultReason.Wraps),
            ("FI_FAULT_NOT_ATTACHED", (ulong)FaultReason.NotAttached),
            ("FI_FAULT_REMOTE", (ulong)FaultReason.Remote),
            ("fi_completion_reason(1ull << 63 | 3)", 3),
            ("fi_completion_host(7ull << 59)", 0),
            ("fi_completion_host(3ull << 60 | 0x12345)", 0x12345),
        ];
        ulong[] actual = InC([.. expected.Select(constant => $"(unsigned long long)({constant.Name})")]);
        Assert.Equal(expected, expected.Select((constant, i) => (constant.Name, actual[i])));
        Assert.Equal(Enum.GetValues<FaultReason>().Length, expected.Count(constant => constant.Name.StartsWith("FI_FAULT_", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("fi_engine_options", typeof(EngineExports.EngineSettings))]
    [InlineData("fi_domain_options", typeof(DomainExports.DomainSettings))]
    [InlineData("fi_port_options", typeof(PortExports.PortOptions))]
    [InlineData("fi_device_options", typeof(DeviceExports.DeviceSettings))]
    [InlineData("fi_batch", typeof(AccessExports.Batch))]
    [InlineData("fi_range", typeof(AccessExports.Range))]
    [InlineData("fi_segment", typeof(HostSegment))]
    [InlineData("fi_fault", typeof(NativeFault))]
    [InlineData("fi_pci_layout", typeof(NativeLayout))]
    [InlineData("fi_pci_bar", typeof(NativeLayout.Bar))]
    [InlineData("fi_pci_model", typeof(CallbackModel.Callbacks))]
    public void StructsLieInMemoryAsTheCompilerOfCLaysThem(string name, Type type)
    {
        FieldInfo[] fields = [.. type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public).Where(field => !field.Name.StartsWith('<'))];
        ulong[] actual = InC([$"sizeof(struct {name})", .. fields.Select(field => $"__builtin_offsetof(struct {name}, {InSnakeCase(field.Name)})")]);
        Assert.Equal((ulong)SizeOf(type), actual[0]);
        string[] expected = [.. fields.Select(field => $"{field.Name} at {OffsetOf(type, field)}")];
        string[] found = [.. fields.Select((field, i) => $"{field.Name} at {actual[i + 1]}")];
        Assert.Equal(expected, found);
    }

    private static int SizeOf(Type type) => (int)typeof(System.Runtime.CompilerServices.Unsafe)
        .GetMethod(nameof(System.Runtime.CompilerServices.Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    // Where a field of a sequential struct of plain fields lies: behind those before it, each on its own alignment.
    private static int OffsetOf(Type type, FieldInfo wanted)
    {
        int offset = 0;
        foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public).OrderBy(field => field.MetadataToken))
        {
            bool isPointer = field.FieldType.IsPointer || field.FieldType.IsFunctionPointer;
            int size = isPointer ? nint.Size : SizeOf(field.FieldType);
            int alignment = Math.Min(size, nint.Size);
            offset = (offset + alignment - 1) / alignment * alignment;
            if (field == wanted)
            {
                return offset;
            }

            offset += size;
        }

        throw new InvalidOperationException($"{type.Name} has no field {wanted.Name}.");
    }

    private static ulong[] InC(string[] expressions)
    {
        string folder = Directory.CreateTempSubdirectory("fastiova-header").FullName;
        try
        {
            string source = Path.Combine(folder, "ask.c");
            string program = Path.Combine(folder, "ask");
            var text = new StringBuilder("#include <stdio.h>\n#include \"fastiova.h\"\nint main(void)\n{\n");
            foreach (string expression in expressions)
            {
                text.Append(CultureInfo.InvariantCulture, $"    printf(\"%llu\\n\", (unsigned long long)({expression}));\n");
            }

            File.WriteAllText(source, text.Append("    return 0;\n}\n").ToString());
            Run("gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-I", Path.Combine(SourceTree.Root, "native"), "-o", program, source);
            return [.. Run(program).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => ulong.Parse(line, CultureInfo.InvariantCulture))];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> complaint = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {complaint.Result}");
        return output;
    }

    private static string[] ParametersOf(string text)
    {
        if (text is "void")
        {
            return [];
        }

        // Functions as parameters first, whose own parameters have commas; then names and const go, and what is left is the type.
        string flat = FunctionParameter.Replace(text, "function");
        return [.. flat.Split(',').Select(parameter => parameter.Trim())
            .Select(parameter => parameter is "function" ? parameter
                : parameter.Contains('*', StringComparison.Ordinal) ? "pointer"
                : parameter[..parameter.LastIndexOf(' ')])];
    }

    // Whether a pointer leads to a handle or to memory is for people; both are a word.
    private static string SpelledInC(Type type, string expected) =>
        type == typeof(nint) || type.IsPointer ? "pointer"
        : type.IsFunctionPointer ? "function"
        : type == typeof(int) ? "int"
        : type == typeof(long) ? "int64_t"
        : type == typeof(uint) ? "uint32_t"
        : type == typeof(ulong) ? "uint64_t"
        : type == typeof(nuint) ? "size_t"
        : $"{type.Name} for {expected}";

    private static string InSnakeCase(string name) => Capital.Replace(name, match => (match.Index == 0 ? string.Empty : "_") + match.Value.ToLowerInvariant());

    private static string WithoutComments(string text) => Comment.Replace(text, string.Empty);

    [GeneratedRegex(@"^(?<result>int|int64_t) (?<name>fi_\w+)\((?<parameters>.*)\);$", RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Declaration { get; }

    [GeneratedRegex(@"void \(\*\w+\)\([^)]*\)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex FunctionParameter { get; }

    [GeneratedRegex(@"X\((?<name>fi_\w+)\)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Step { get; }

    [GeneratedRegex(@"[A-Z]", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Capital { get; }

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Comment { get; }
}
