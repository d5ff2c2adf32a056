namespace FastIova;

/// <summary>Binds the calling thread to one processor. Threads that it starts inherit the binding.</summary>
internal static unsafe class Affinity
{
    private const int MaskWords = 16;

    /// <summary>The processors that the calling thread may use, in order.</summary>
    /// <returns>Their numbers; at least one.</returns>
    internal static int[] Allowed()
    {
        ulong* mask = stackalloc ulong[MaskWords];
        // SAFETY: the kernel writes at most the bytes named; the buffer has that many.
        int rc = Libc.GetAffinity(0, MaskWords * sizeof(ulong), mask);
        var allowed = new List<int>();
        for (int cpu = 0; rc >= 0 && cpu < MaskWords * 64; cpu++)
        {
            if ((mask[cpu / 64] >> (cpu % 64) & 1) != 0)
            {
                allowed.Add(cpu);
            }
        }

        return allowed.Count == 0 ? [0] : [.. allowed];
    }

    /// <summary>Binds the calling thread.</summary>
    /// <param name="cpu">A number out of <see cref="Allowed"/>.</param>
    /// <returns>False when the kernel refused.</returns>
    internal static bool Bind(int cpu)
    {
        ulong* mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        mask[cpu / 64] = 1UL << (cpu % 64);
        // SAFETY: the kernel reads the buffer only.
        return Libc.SetAffinity(0, MaskWords * sizeof(ulong), mask) == 0;
    }
}
