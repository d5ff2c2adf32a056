namespace FastIova;

/// <summary>A file of VFIO that a virtual machine can be told of: a group, or a device.</summary>
internal interface IVfioFile
{
    /// <summary>The machine; a device that is opened by the file from now on knows it. Null for none.</summary>
    object? VirtualMachine { get; set; }

    /// <summary>Whether the IOMMU makes every access of every device of the file coherent, whatever the device asks for.</summary>
    bool IsEnforcedCoherent { get; }

    /// <summary>Keeps the file open beyond its last descriptor.</summary>
    /// <returns>False when it is closed already.</returns>
    bool TryHold();

    /// <summary>Undoes one <see cref="TryHold"/>.</summary>
    void LetGo();
}
