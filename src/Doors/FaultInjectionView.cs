namespace FastIova;

/// <summary>
/// The files below <c>/sys/kernel/debug</c>: the attributes of the kernel's fault injection, which exist here without debugfs and
/// without root. What they say has no meaning here; which step fails is said by fail-nth alone.
/// </summary>
internal static class FaultInjectionView
{
    private static readonly (string Name, string Value)[] Attributes =
    [
        ("probability", "0"), ("interval", "1"), ("times", "1"), ("space", "0"), ("verbose", "2"), ("task-filter", "N"),
        ("ignore-gfp-wait", "Y"), ("ignore-gfp-highmem", "Y"), ("cache-filter", "N"), ("min-order", "1"),
    ];

    /// <summary>Puts them into a view. Programs of any user may write to them, as root may to the kernel's.</summary>
    internal static void Fill(ViewFolder view)
    {
        foreach (string injector in new[] { "failslab", "fail_page_alloc", "fail_iommufd" })
        {
            foreach ((string name, string value) in Attributes)
            {
                view.AddText($"/sys/kernel/debug/{injector}/{name}", value, isWritable: true);
            }
        }
    }
}
