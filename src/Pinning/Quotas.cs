namespace FastIova;

/// <summary>What one client may have: every kind of thing that it can make the engine keep.</summary>
/// <param name="Files">Open files; EMFILE beyond.</param>
/// <param name="Objects">Objects of the contexts that it has opened; ENOMEM beyond.</param>
/// <param name="Mappings">Areas of their ioases; ENOMEM beyond, as where a control group limits the kernel's memory.</param>
/// <param name="Rings">Rings on its contexts, each with a thread of the engine; EMFILE beyond.</param>
/// <param name="Pins">Pinned pages of its memory; ENOMEM beyond, as with RLIMIT_MEMLOCK.</param>
internal sealed record Quotas(Quota Files, Quota Objects, Quota Mappings, Quota Pins, Quota Rings);
