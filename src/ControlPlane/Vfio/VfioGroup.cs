using System.Globalization;

namespace FastIova;

/// <summary>The devices that are assigned together, and who has opened them: the group's own file, or files of its devices.</summary>
/// <remarks>
/// <para>Invariant. V1: while the group's file is open no device of it is bound by a file of its own, and the other way round.</para>
/// <para>Threads: any. <see cref="Gate"/> is held while a device is opened, attached, reset or closed; it is above every other lock.</para>
/// </remarks>
internal sealed class VfioGroup(int number, VfioGroupKind kind = VfioGroupKind.Iommu)
{
    private readonly Lock _opening = new();
    private readonly List<VfioDevice> _devices = [];
    private bool _isOpen;
    private int _bound;

    /// <summary>Its number: the name of its node.</summary>
    internal int Number => number;

    /// <summary>The path of its node.</summary>
    internal string Node { get; } = string.Create(CultureInfo.InvariantCulture, $"/dev/vfio/{(kind == VfioGroupKind.NoIommu ? "noiommu-" : string.Empty)}{number}");

    /// <summary>What stands before its devices.</summary>
    internal VfioGroupKind Kind => kind;

    /// <summary>The devices as the IOMMU sees them.</summary>
    internal HardwareGroup Hardware { get; } = new();

    /// <summary>The devices; no more come once one can be opened.</summary>
    internal IReadOnlyList<VfioDevice> Devices => _devices;

    /// <summary>Held while something about its devices changes.</summary>
    internal Lock Gate { get; } = new();

    internal void Add(VfioDevice device) => _devices.Add(device);

    /// <summary>Keeps the group from being opened, because a file of a device binds.</summary>
    /// <returns><see cref="Errno.Busy"/> when it is open.</returns>
    internal Errno BlockOpen()
    {
        lock (_opening)
        {
            if (_isOpen)
            {
                return Errno.Busy;
            }

            _bound++;
            return Errno.Success;
        }
    }

    /// <summary>Undoes <see cref="BlockOpen"/>.</summary>
    internal void UnblockOpen()
    {
        lock (_opening)
        {
            _bound--;
        }
    }

    /// <summary>Opens the group, for one.</summary>
    /// <returns><see cref="Errno.Busy"/> when it is open, or a device is bound.</returns>
    internal Errno Open()
    {
        lock (_opening)
        {
            if (_isOpen || _bound != 0)
            {
                return Errno.Busy;
            }

            _isOpen = true;
            return Errno.Success;
        }
    }

    /// <summary>Undoes <see cref="Open"/>.</summary>
    internal void Close()
    {
        lock (_opening)
        {
            _isOpen = false;
        }
    }
}
