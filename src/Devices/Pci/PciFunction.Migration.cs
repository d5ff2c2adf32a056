namespace FastIova;

/// <content>Stopping the model, and carrying its state over. For models that are <see cref="IPciMigratable"/>.</content>
public sealed partial class PciFunction
{
    private IPciMigratable? Migratable => _model as IPciMigratable;

    /// <summary>Whether the state of the model can be carried over.</summary>
    internal bool IsMigratable => Migratable is not null;

    /// <summary>The longest state.</summary>
    internal int StateBytesLast => Migratable!.StateBytesLast;

    /// <summary>Stops the device: when this returns no DMA goes on.</summary>
    internal void Pause()
    {
        lock (_gate)
        {
            Migratable!.Pause();
        }
    }

    /// <summary>Lets a stopped device go on.</summary>
    internal void Continue()
    {
        lock (_gate)
        {
            Migratable!.Continue();
        }
    }

    /// <summary>The state of a stopped device.</summary>
    internal byte[] SaveState()
    {
        lock (_gate)
        {
            return Migratable!.Save();
        }
    }

    /// <summary>Takes a state over.</summary>
    /// <returns>False when it is none.</returns>
    internal bool TryLoadState(ReadOnlySpan<byte> state)
    {
        lock (_gate)
        {
            return Migratable!.TryLoad(state);
        }
    }
}
