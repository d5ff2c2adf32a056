using System.Runtime.InteropServices;

namespace FastIova.Tests.ControlPlane;

/// <summary>A caller whose rights the test decides; its memory is that of this process.</summary>
internal sealed class Client : Caller
{
    private readonly MemoryTally _user = new();
    private readonly LocalFiles _files = new();

    internal Client() => LockLimitPages = () => LimitPages;

    internal HashSet<Capability> Capabilities { get; } = [Capability.IpcLock, Capability.SysResource];

    internal long LimitPages { get; set; } = long.MaxValue;

    /// <summary>Whether the process has no free descriptor.</summary>
    internal bool IsFull { get; set; }

    internal int OpenFiles { get; private set; }

    internal MemorySpace Space { get; init; } = OwnMemory.Instance;

    internal override MemorySpace Memory => Space;

    internal override MemoryTally User => _user;

    internal override Func<long> LockLimitPages { get; }

    internal override bool Has(Capability capability) => Capabilities.Contains(capability);

    internal override int Install(OpenFile file)
    {
        if (IsFull)
        {
            return -(int)Errno.TooManyFiles;
        }

        OpenFiles++;
        return _files.Add(file);
    }

    internal override void Uninstall(int fd)
    {
        OpenFiles--;
        _files.Remove(fd);
    }

    internal override bool TryResolve(int fd, out OpenFile? file) => _files.TryGet(fd, out file);

    internal void Close(int fd)
    {
        if (_files.Remove(fd) is { } file)
        {
            file.Close();
            OpenFiles--;
        }
    }

    internal OpenFile File(uint fd)
    {
        Xunit.Assert.True(TryResolve((int)fd, out OpenFile? file));
        return file!;
    }

    /// <summary>Closes what every descriptor stands for, as the end of the process does.</summary>
    internal void CloseAll()
    {
        for (int fd = 1; OpenFiles != 0; fd++)
        {
            Close(fd);
        }
    }
}

/// <summary>Pages that are the caller's: where structs, lists and buffers of a test lie.</summary>
/// <remarks>Owns: the pages, with a page before and behind them that nobody can touch.</remarks>
internal sealed unsafe class UserPages : IDisposable
{
    private const int PageBytes = 4096;

    private readonly nint _mapping;
    private readonly int _pages;

    internal UserPages(int pages)
    {
        _pages = pages;
        nuint bytes = (nuint)((pages + 2) * PageBytes);
        _mapping = Libc.MemoryMap(0, bytes, Libc.ProtNone, Libc.MapPrivate | Libc.MapAnonymous, -1, 0);
        if (_mapping == Libc.MapFailed || Libc.MemoryProtect(_mapping + PageBytes, (nuint)(pages * PageBytes), Libc.ProtRead | Libc.ProtWrite) != 0)
        {
            throw new IOException($"Linux refused {pages} pages.");
        }
    }

    /// <summary>The first byte.</summary>
    internal ulong Address => (ulong)(_mapping + PageBytes);

    /// <summary>The first byte behind them, which cannot be touched.</summary>
    internal ulong End => Address + (ulong)(_pages * PageBytes);

    /// <summary>The bytes.</summary>
    internal Span<byte> Bytes => new((void*)Address, _pages * PageBytes);

    /// <summary>A struct in them.</summary>
    internal ref T At<T>(int offset)
        where T : unmanaged => ref MemoryMarshal.AsRef<T>(Bytes[offset..]);

    /// <summary>Lets the first pages be read only.</summary>
    internal void Protect(int pages) => Xunit.Assert.Equal(0, Libc.MemoryProtect((nint)Address, (nuint)(pages * PageBytes), Libc.ProtRead));

    public void Dispose() => _ = Libc.MemoryUnmap(_mapping, (nuint)((_pages + 2) * PageBytes));
}
