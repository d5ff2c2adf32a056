using System.Collections.Frozen;
using System.Globalization;

namespace FastIova.KernelTraces;

/// <summary>Error numbers of Linux on x86-64 and Arm64, and their names.</summary>
internal static class TraceErrno
{
    private static readonly FrozenDictionary<int, string> Names = new Dictionary<int, string>
    {
        [0] = "OK",
        [1] = "EPERM",
        [2] = "ENOENT",
        [4] = "EINTR",
        [5] = "EIO",
        [6] = "ENXIO",
        [7] = "E2BIG",
        [9] = "EBADF",
        [11] = "EAGAIN",
        [12] = "ENOMEM",
        [13] = "EACCES",
        [14] = "EFAULT",
        [16] = "EBUSY",
        [17] = "EEXIST",
        [18] = "EXDEV",
        [19] = "ENODEV",
        [22] = "EINVAL",
        [23] = "ENFILE",
        [24] = "EMFILE",
        [25] = "ENOTTY",
        [27] = "EFBIG",
        [28] = "ENOSPC",
        [29] = "ESPIPE",
        [30] = "EROFS",
        [34] = "ERANGE",
        [35] = "EDEADLK",
        [38] = "ENOSYS",
        [52] = "EBADE",
        [61] = "ENODATA",
        [71] = "EPROTO",
        [74] = "EBADMSG",
        [75] = "EOVERFLOW",
        [77] = "EBADFD",
        [90] = "EMSGSIZE",
        [95] = "EOPNOTSUPP",
        [98] = "EADDRINUSE",
        [99] = "EADDRNOTAVAIL",
        [110] = "ETIMEDOUT",
        [125] = "ECANCELED",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, int> Numbers = Names.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    internal static string Name(int number) => Names.TryGetValue(number, out string? name) ? name : string.Create(CultureInfo.InvariantCulture, $"E{number}");

    internal static int Number(string name) => Numbers.TryGetValue(name, out int number) ? number
        : name.StartsWith('E') && int.TryParse(name.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out number) ? number
        : throw new FormatException($"\"{name}\" is no name of an error.");
}
