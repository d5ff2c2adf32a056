using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace FastIova.Tests.Architecture;

/// <summary>Spells what an assembly offers to strangers, one line for each type and member, sorted.</summary>
internal static class PublicSurface
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    internal static IEnumerable<string> Of(Assembly assembly)
    {
        string name = assembly.GetName().Name!;
        return assembly.GetExportedTypes()
            .SelectMany(type => Members(type).Prepend(Heading(type)))
            .Select(line => $"{name}: {line}")
            .Order(StringComparer.Ordinal);
    }

    private static string Heading(Type type)
    {
        string kind = type.IsEnum ? $"enum : {NameOf(Enum.GetUnderlyingType(type))}"
            : type.IsInterface ? "interface"
            : type.IsSubclassOf(typeof(Delegate)) ? "delegate"
            : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute), inherit: false) ? "readonly " : string.Empty) + (type.IsByRefLike ? "ref struct" : "struct")
            : type.IsAbstract && type.IsSealed ? "static class"
            : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class"
            : "class";
        IEnumerable<string> above = type.GetInterfaces().Where(one => one.IsVisible).Select(NameOf).Order(StringComparer.Ordinal);
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum))
        {
            above = above.Prepend(NameOf(parent));
        }

        string bases = type.IsEnum ? string.Empty : string.Join(", ", above);
        return $"{NameOf(type)} {{{kind}}}{(bases.Length > 0 ? " : " + bases : string.Empty)}";
    }

    private static IEnumerable<string> Members(Type type) =>
        type.GetMembers(Declared).Select(Spelled).Where(text => text is not null).Select(text => $"{NameOf(type)}.{text}");

    private static string? Spelled(MemberInfo member) => member switch
    {
        FieldInfo field when IsVisible(field.Attributes) && !field.IsSpecialName => $"{field.Name} : {NameOf(field.FieldType)}{Value(field)}",
        PropertyInfo property => Spelled(property),
        EventInfo happening when IsVisible(happening.AddMethod) => $"{happening.Name} : event {NameOf(happening.EventHandlerType!)}",
        ConstructorInfo constructor when IsVisible(constructor) => $"new({Parameters(constructor)})",
        MethodInfo method when IsVisible(method) && IsWritten(method) => $"{Static(method)}{method.Name}{Generics(method)}({Parameters(method)}) : {NameOf(method.ReturnType)}",
        _ => null,
    };

    private static string? Spelled(PropertyInfo property)
    {
        string accessors = (IsVisible(property.GetMethod) ? " get;" : string.Empty) + (IsVisible(property.SetMethod) ? SetterOf(property) : string.Empty);
        string parameters = string.Join(", ", property.GetIndexParameters().Select(parameter => NameOf(parameter.ParameterType)));
        return accessors.Length == 0 || property.Name is "EqualityContract"
            ? null
            : $"{Static(property.GetMethod ?? property.SetMethod!)}{property.Name}{(parameters.Length > 0 ? $"[{parameters}]" : string.Empty)} : {NameOf(property.PropertyType)} {{{accessors} }}";
    }

    private static string SetterOf(PropertyInfo property) =>
        property.SetMethod!.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;";

    // Accessors are told with their property; what the compiler adds to every record tells nothing.
    private static bool IsWritten(MethodInfo method) =>
        !method.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
        && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal));

    private static bool IsVisible(MethodBase? method) => method is not null && (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly);

    private static bool IsVisible(FieldAttributes attributes) =>
        (attributes & FieldAttributes.FieldAccessMask) is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem;

    private static string Static(MethodBase method) => method.IsStatic ? "static " : string.Empty;

    private static string Value(FieldInfo field) =>
        field.IsLiteral ? " = " + Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture) : field.IsInitOnly ? " (readonly)" : string.Empty;

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(NameOf))}>" : string.Empty;

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string passing = parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : string.Empty;
        string fallback = parameter.HasDefaultValue
            ? " = " + (Convert.ToString(parameter.RawDefaultValue, CultureInfo.InvariantCulture) is { Length: > 0 } value ? value : "default")
            : string.Empty;
        return $"{passing}{NameOf(parameter.ParameterType)} {parameter.Name}{fallback}";
    }

    private static string NameOf(Type type)
    {
        if (type.IsByRef || type.IsPointer || type.IsArray)
        {
            return NameOf(type.GetElementType()!) + (type.IsPointer ? "*" : type.IsArray ? "[]" : string.Empty);
        }

        if (type.IsGenericParameter)
        {
            return type.Name;
        }

        string outer = type.DeclaringType is { } declaring ? NameOf(declaring) + "." : type.Namespace is "System" ? string.Empty : type.Namespace + ".";
        string name = type.Name.Split('`')[0];
        return type.Name.Contains('`', StringComparison.Ordinal)
            ? $"{outer}{name}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>"
            : outer + name;
    }
}
