using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>
/// The memory of the machine as a device without an IOMMU reaches it: every page that is pinned for such a device, at the address that
/// stands for its physical one. Nothing else is there, so that a wrong address is a fault and not the end of the engine.
/// <code>
///        56 |       55 ... 47       | 46 ............ 12 | 11 ... 0
///    remote | process, by its index |  address of the page in it
/// </code>
/// A page of the engine's own process is at its own address.
/// </summary>
/// <remarks>
/// <para>Owns: the domain that such devices are attached to.</para>
/// <para>Invariants. M1: a page is mapped there while a domain of <see cref="Domain.Physical"/> maps it, however often. M2: it is writable
/// once it was mapped so, until it is mapped no more: permissions are an IOMMU's. M3: it is taken away before the wait of the domain
/// that maps it ends, so that the promise of unmap holds for these devices, too.</para>
/// <para>Threads: any. The lock is below that of pages, and above that of the domain.</para>
/// </remarks>
internal sealed class PhysicalMemory : IDisposable
{
    /// <summary>What every address is less than: the widest that a table holds.</summary>
    internal const int AddressLg2 = PageTable.WidestApertureLg2;

    private const int IndexShift = 47;
    private const int Indices = 1 << (AddressLg2 - 1 - IndexShift);
    private const ulong RemoteBit = 1UL << (AddressLg2 - 1);

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, Use> _uses = [];
    private ulong _target;
    private ulong _detached;

    internal PhysicalMemory(Epoch epoch) =>
        Domain = new Domain(epoch, new DomainOptions { Aperture = new IovaSpan(0, (1UL << AddressLg2) - 1), HugePageTables = false });

    /// <summary>What the devices are attached to.</summary>
    internal Domain Domain { get; }

    /// <summary>The pages that are there.</summary>
    internal int Pages
    {
        get
        {
            lock (_lock)
            {
                return _uses.Count;
            }
        }
    }

    /// <summary>The address that stands for the physical one of a page.</summary>
    /// <returns>False when there is none: 512 processes have pages already that the engine can only copy.</returns>
    internal static bool TryAddressOf(Frame frame, out ulong address)
    {
        address = !frame.IsRemote ? frame.Host : RemoteBit | ((ulong)frame.SpaceIndex << IndexShift) | frame.RemoteAddress;
        return !frame.IsRemote || frame.SpaceIndex < Indices;
    }

    /// <summary>Pages are mapped for devices without an IOMMU.</summary>
    /// <returns>Success, or out of memory; nothing has changed then.</returns>
    internal MapStatus Add(Frame first, ulong pages, Permission permission)
    {
        if (!TryAddressOf(first, out ulong address))
        {
            return MapStatus.OutOfMemory;
        }

        lock (_lock)
        {
            if (_detached != 0 && Domain.Epoch.HavePassed(_target))
            {
                Domain.GiveBackTables(_detached);
                _detached = 0;
            }

            for (ulong page = 0; page < pages; page++)
            {
                if (!TryAdd(address + (page << Frame.PageLg2), first.Next(page), permission))
                {
                    RemoveLocked(address, page);
                    return MapStatus.OutOfMemory;
                }
            }
        }

        return MapStatus.Success;
    }

    /// <summary>Pages are mapped no more; whoever takes them away waits for the readers afterwards. Never fails.</summary>
    internal void Remove(Frame first, ulong pages)
    {
        bool known = TryAddressOf(first, out ulong address);
        Debug.Assert(known, "It was added.");
        lock (_lock)
        {
            RemoveLocked(address, pages);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Domain.Dispose();

    private bool TryAdd(ulong address, Frame frame, Permission permission)
    {
        ref Use use = ref CollectionsMarshal.GetValueRefOrAddDefault(_uses, address, out bool isPresent);
        if (!isPresent)
        {
            // Single pages, so that each can go alone without fail.
            if (Domain.MapFrames(new IovaSpan(address, address + Frame.PageBytes - 1), frame, 0, permission, large: false) != MapStatus.Success)
            {
                _uses.Remove(address);
                return false;
            }

            use = new Use(1, permission);
            return true;
        }

        Permission wider = use.Permission | permission;
        if (wider != use.Permission && Domain.TryProtect(address, Frame.PageBytes, wider, out _) != MapStatus.Success)
        {
            return false;
        }

        use = new Use(use.Count + 1, wider);
        return true;
    }

    private void RemoveLocked(ulong address, ulong pages)
    {
        for (ulong page = 0; page < pages; page++)
        {
            ulong at = address + (page << Frame.PageLg2);
            ref Use use = ref CollectionsMarshal.GetValueRefOrNullRef(_uses, at);
            use = use with { Count = use.Count - 1 };
            if (use.Count == 0)
            {
                _uses.Remove(at);
                var span = new IovaSpan(at, at + Frame.PageBytes - 1);
                _target = Domain.TakeAway(new ReadOnlySpan<IovaSpan>(in span), out _detached);
            }
        }
    }

    private readonly record struct Use(int Count, Permission Permission);
}
