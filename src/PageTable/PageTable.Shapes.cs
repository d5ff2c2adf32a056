using System.Diagnostics;

namespace FastIova;

/// <content>
/// What is generic and depends on the shape. Asked here, not by virtual methods: a generic virtual method is looked up while the
/// program runs, and code that is compiled ahead of time carries a loader of types for it.
/// </content>
internal abstract partial class PageTable
{
    /// <summary>Hands the readers' view to a visitor.</summary>
    /// <typeparam name="TVisitor">The visitor's type.</typeparam>
    /// <typeparam name="TResult">What the visitor makes.</typeparam>
    /// <param name="visitor">The visitor.</param>
    /// <returns>What it made.</returns>
    internal TResult Accept<TVisitor, TResult>(TVisitor visitor)
        where TVisitor : struct, IWalkerVisitor<TResult> => this switch
        {
            RadixTable<Granule4K> table => visitor.Visit(table.Walker),
            RadixTable<Granule2K> table => visitor.Visit(table.Walker),
            RadixTable<Granule16K> table => visitor.Visit(table.Walker),
            RadixTable<Granule64K> table => visitor.Visit(table.Walker),
            LinearTable<Granule4K> table => visitor.Visit(table.Walker),
            LinearTable<Granule2K> table => visitor.Visit(table.Walker),
            LinearTable<Granule16K> table => visitor.Visit(table.Walker),
            LinearTable<Granule64K> table => visitor.Visit(table.Walker),
            _ => throw new UnreachableException($"{GetType().Name} is missing in PageTable.Accept."),
        };

    /// <summary>Reports the dirty pages of a range, in order.</summary>
    /// <typeparam name="TSink">Who takes them.</typeparam>
    /// <param name="span">Inside the aperture.</param>
    /// <param name="clear">Whether the pages are clean afterwards; the readers must then be told and waited for.</param>
    /// <param name="sink">Takes each dirty page.</param>
    internal void ScanDirty<TSink>(IovaSpan span, bool clear, ref TSink sink)
        where TSink : IDirtySink, allows ref struct
    {
        switch (this)
        {
            case RadixTable<Granule4K> table:
                table.Scan(span, clear, ref sink);
                break;
            case RadixTable<Granule2K> table:
                table.Scan(span, clear, ref sink);
                break;
            case RadixTable<Granule16K> table:
                table.Scan(span, clear, ref sink);
                break;
            case RadixTable<Granule64K> table:
                table.Scan(span, clear, ref sink);
                break;
            case LinearTable<Granule4K> table:
                table.Scan(span, clear, ref sink);
                break;
            case LinearTable<Granule2K> table:
                table.Scan(span, clear, ref sink);
                break;
            case LinearTable<Granule16K> table:
                table.Scan(span, clear, ref sink);
                break;
            case LinearTable<Granule64K> table:
                table.Scan(span, clear, ref sink);
                break;
            default:
                throw new UnreachableException($"{GetType().Name} is missing in PageTable.ScanDirty.");
        }
    }
}
