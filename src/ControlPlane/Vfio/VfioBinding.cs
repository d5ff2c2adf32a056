namespace FastIova;

/// <summary>What an open device is to the context that has it: an object, which can be attached.</summary>
/// <remarks>Threads: under the gate of the group. Teardown: <see cref="End"/> comes once and last; it never fails.</remarks>
internal abstract class VfioBinding(UapiObject bound)
{
    /// <summary>The id of the object.</summary>
    internal uint Id => bound.Id;

    /// <summary>The context.</summary>
    internal IommufdContext Context => bound.Context;

    /// <summary>Whether PASIDs can be attached at all.</summary>
    internal virtual bool TakesPasids => false;

    /// <summary>Attaches the device, or moves it, if it is attached.</summary>
    /// <param name="id">In, what to; out, what it is attached to.</param>
    internal abstract Errno Attach(ref uint id);

    /// <summary>Detaches the device, if it is attached.</summary>
    internal abstract void Detach();

    /// <summary>The same for a PASID of it; only where it <see cref="TakesPasids"/>.</summary>
    internal virtual Errno AttachPasid(uint pasid, ref uint id) => Errno.NotSupported;

    /// <summary>Detaches a PASID, if it is attached.</summary>
    internal virtual void DetachPasid(uint pasid)
    {
    }

    /// <summary>Detaches the device and gives it back.</summary>
    internal abstract void End();
}
