using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Domains for C: address spaces without the objects of iommufd. fastiova.h says what each call does.</summary>
/// <remarks>Threads: any. Calls that wait for scopes are refused to a thread that is inside one.</remarks>
internal static unsafe class DomainExports
{
    // SAFETY: this holds for the whole type: pointers are checked for null; that they lead to memory of the size that the header names
    // is the promise of the C program, which no callee could check.
    private const int WholeAddressBits = 48;
    private const uint LinearFlag = 1;
    private const uint SmallTablesFlag = 2;

    [UnmanagedCallersOnly(EntryPoint = "fi_domain_open")]
    internal static int Open(nint engine, DomainSettings* options, nint* domain)
    {
        try
        {
            if (domain == null)
            {
                return Refusal.NoPointer("domain");
            }

            if (HandleTable.Find<Engine>(engine) is not { } found)
            {
                return Refusal.NoHandle("engine");
            }

            DomainSettings told = default;
            int refused = options == null ? 0 : Sized.Read(options, options->Size, &told, sizeof(DomainSettings));
            refused = refused == 0 ? Sized.Check(told.Flags, LinearFlag | SmallTablesFlag, reserved: 0) : refused;
            if (refused != 0)
            {
                return refused;
            }

            *domain = HandleTable.Open(found.Iommu.CreateDomain(told.ToOptions()));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_domain_close")]
    internal static int Close(nint domain)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            if (HandleTable.Close<Domain>(domain) is not { } found)
            {
                return Refusal.NoHandle("domain");
            }

            found.Dispose();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_domain_map")]
    internal static int Map(nint domain, ulong iova, void* host, ulong length, uint access)
    {
        try
        {
            return HandleTable.Find<Domain>(domain) is not { } found ? Refusal.NoHandle("domain")
                : access > (uint)Permission.ReadWrite ? Refusal.Of(MapStatus.BadPermission)
                : Refusal.Of(found.TryMap(iova, (nuint)host, length, (Permission)access));
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_domain_unmap")]
    internal static int Unmap(nint domain, ulong iova, ulong length, ulong* unmapped)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            if (HandleTable.Find<Domain>(domain) is not { } found)
            {
                return Refusal.NoHandle("domain");
            }

            MapStatus status = found.TryUnmap(iova, length, out ulong bytes);
            if (unmapped != null)
            {
                *unmapped = bytes;
            }

            return Refusal.Of(status);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_domain_protect")]
    internal static int Protect(nint domain, ulong iova, ulong length, uint access)
    {
        try
        {
            return OpenScopes.Any ? OpenScopes.Deadlock()
                : HandleTable.Find<Domain>(domain) is not { } found ? Refusal.NoHandle("domain")
                : access > (uint)Permission.ReadWrite ? Refusal.Of(MapStatus.BadPermission)
                : Refusal.Of(found.TryProtect(iova, length, (Permission)access, out _));
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_domain_track_dirty")]
    internal static int TrackDirty(nint domain, int on)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            if (HandleTable.Find<Domain>(domain) is not { } found)
            {
                return Refusal.NoHandle("domain");
            }

            found.TrackDirty(on != 0);
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_domain_read_dirty")]
    internal static long ReadDirty(nint domain, ulong iova, ulong length, uint pageLg2, ulong* bitmap, nuint words, int clear)
    {
        try
        {
            return OpenScopes.Any ? OpenScopes.Deadlock()
                : HandleTable.Find<Domain>(domain) is not { } found ? Refusal.NoHandle("domain")
                : bitmap == null && words != 0 ? Refusal.NoPointer("bitmap")
                : pageLg2 > 63 || words > int.MaxValue ? Refusal.Because(Errno.Invalid, $"Pages of 2^{pageLg2} bytes, or {words} words, are too many.")
                : (long)found.ReadDirty(iova, length, (int)pageLg2, new Span<ulong>(bitmap, (int)words), clear != 0);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    /// <summary>struct fi_domain_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct DomainSettings
    {
        internal uint Size;
        internal uint Flags;
        internal ulong ApertureFirst;
        internal ulong ApertureLast;
        internal uint GranuleLg2;
        internal uint LargestPageLg2;

        /// <summary>What the library calls the same; zero is each default.</summary>
        internal readonly DomainOptions ToOptions()
        {
            var made = new DomainOptions();
            return made with
            {
                Aperture = ApertureLast == 0 ? new IovaSpan(ApertureFirst, (1UL << WholeAddressBits) - 1) : new IovaSpan(ApertureFirst, ApertureLast),
                Granule = GranuleLg2 == 0 ? made.Granule : (Granule)GranuleLg2,
                LargestPageLg2 = LargestPageLg2 == 0 ? made.LargestPageLg2 : (int)Math.Min(LargestPageLg2, 63),
                Shape = (Flags & LinearFlag) != 0 ? TableShape.Linear : TableShape.TwoLevel,
                HugePageTables = (Flags & SmallTablesFlag) == 0,
            };
        }
    }
}
